public import JetTensor

/// Gated linear attention, token by token: its definition.
///
/// `S_t = diag(α_t) S_{t−1} + k_t v_tᵀ`, `o_t = scale · S_tᵀ q_t`, with `α = exp(logDecay)` and `S` of shape `[K, V]`:
/// each row of the memory decays in its own time.
///
/// Shapes: B batch, T tokens, H heads, K key width, V value width.
///
/// - Parameters:
///   - query: `[B, T, H, K]`.
///   - key: `[B, T, H, K]`.
///   - value: `[B, T, H, V]`.
///   - logDecay: natural logarithm of the decay, `[B, T, H, K]`, at most 0.
///   - memory: the state, `[B, H, K, V]`, float32; replaced by the state after the last token.
///   - scale: factor of the query, usually `1/√K`.
/// - Returns: the read-outs, `[B, T, H, V]`, in the type of `value`.
/// - Complexity: O(B·T·H·K·V) multiply-adds; K·V·H·4 bytes of state a sequence.
/// - Source: Yang et al. 2023, [arXiv:2312.06635](https://arxiv.org/abs/2312.06635), section 4.1; upstream
///   `fla/ops/gla/naive.py`.
public func gatedLinearAttentionDefinition(
  query: Tensor, key: Tensor, value: Tensor, logDecay: Tensor, memory: inout Tensor, scale: Double
) -> Tensor {
  let (q, k, v) = (query.float32 * scale, key.float32, value.float32)
  let decay = exp(logDecay.float32)
  var outputs: [Tensor] = []
  for t in 0..<query.dim(1) {
    func column(_ x: Tensor) -> Tensor { x.select(t, dim: 1).unsqueezed(-1) }  // [B, H, K, 1]
    memory = memory * column(decay) + column(k) * v.select(t, dim: 1).unsqueezed(-2)
    outputs.append((memory * column(q)).sum([-2]))
  }
  return Tensor.stack(outputs, dim: 1).to(value.dtype)
}
