public import JetTensor

/// The generalized delta rule of RWKV7, token by token: its definition.
///
/// `S_t = (diag(α_t) + b_t a_tᵀ) S_{t−1} + k_t v_tᵀ`, `o_t = S_tᵀ q_t`, with `α = exp(logDecay)` and `S` of shape
/// `[K, V]`. (The paper writes the transpose.) What `a` recalls from the memory is written back under `b`; with `a = −k`
/// and `b = β k` for unit rows `k`, and one decay a head, it would be the delta rule.
///
/// Shapes: B batch, T tokens, H heads, K key width, V value width.
///
/// - Parameters:
///   - query: `[B, T, H, K]`.
///   - key: `[B, T, H, K]`.
///   - value: `[B, T, H, V]`.
///   - recallKey: `a`, `[B, T, H, K]`.
///   - rewriteKey: `b`, `[B, T, H, K]`.
///   - logDecay: natural logarithm of the decay, `[B, T, H, K]`, at most 0.
///   - memory: the state, `[B, H, K, V]`, float32; replaced by the state after the last token.
/// - Returns: the read-outs, `[B, T, H, V]`, in the type of `value`.
/// - Complexity: O(B·T·H·K·V) multiply-adds; K·V·H·4 bytes of state a sequence.
/// - Source: Peng et al. 2025, [arXiv:2503.14456](https://arxiv.org/abs/2503.14456), section 3; upstream
///   `fla/ops/rwkv7/fused_recurrent.py`.
public func generalizedDeltaRuleDefinition(
  query: Tensor, key: Tensor, value: Tensor, recallKey: Tensor, rewriteKey: Tensor,
  logDecay: Tensor, memory: inout Tensor
) -> Tensor {
  let (q, k, v) = (query.float32, key.float32, value.float32)
  let (a, b, decay) = (recallKey.float32, rewriteKey.float32, exp(logDecay.float32))
  var outputs: [Tensor] = []
  for t in 0..<query.dim(1) {
    func column(_ x: Tensor) -> Tensor { x.select(t, dim: 1).unsqueezed(-1) }  // [B, H, K, 1]
    let recalled = (memory * column(a)).sum([-2], keepDims: true)  // [B, H, 1, V]
    let written = column(b) * recalled + column(k) * v.select(t, dim: 1).unsqueezed(-2)
    memory = memory * column(decay) + written
    outputs.append((memory * column(q)).sum([-2]))
  }
  return Tensor.stack(outputs, dim: 1).to(value.dtype)
}
