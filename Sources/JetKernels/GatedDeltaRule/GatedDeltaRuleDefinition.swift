public import JetTensor

/// The gated delta rule, token by token: its definition.
///
/// `S_t = α_t (I − β_t k_t k_tᵀ) S_{t−1} + β_t k_t v_tᵀ`, `o_t = scale · S_tᵀ q_t`, with `α = exp(logDecay)` and `S` of
/// shape `[K, V]`. (The paper writes the transpose.)
///
/// Shapes: B batch, T tokens, H heads, K key width, V value width.
///
/// - Parameters:
///   - query: `[B, T, H, K]`.
///   - key: `[B, T, H, K]`.
///   - value: `[B, T, H, V]`.
///   - writeStrength: `β`, `[B, T, H]`.
///   - logDecay: natural logarithm of the decay, `[B, T, H]`, at most 0.
///   - memory: the state, `[B, H, K, V]`, float32; replaced by the state after the last token.
///   - scale: factor of the query, usually `1/√K`.
///   - normalizes: whether rows of query and key are brought to unit length first, see ``unitRows(_:)``.
/// - Returns: the read-outs, `[B, T, H, V]`, in the type of `value`.
/// - Complexity: O(B·T·H·K·V) multiply-adds; K·V·H·4 bytes of state a sequence.
/// - Source: Yang et al. 2024, [arXiv:2412.06464](https://arxiv.org/abs/2412.06464), section 3.
public func gatedDeltaRuleDefinition(
  query: Tensor, key: Tensor, value: Tensor, writeStrength: Tensor, logDecay: Tensor,
  memory: inout Tensor, scale: Double, normalizes: Bool
) -> Tensor {
  let q = (normalizes ? unitRows(query) : query.float32) * scale
  let k = normalizes ? unitRows(key) : key.float32
  let (v, beta, decay) = (value.float32, writeStrength.float32, exp(logDecay.float32))
  var outputs: [Tensor] = []
  for t in 0..<query.dim(1) {
    func token(_ x: Tensor) -> Tensor { x.select(t, dim: 1) }
    let column = token(k).unsqueezed(-1)  // [B, H, K, 1]
    memory = memory * token(decay).unsqueezed(-1).unsqueezed(-1)
    let recalled = (memory * column).sum([-2])  // [B, H, V]
    let correction = (token(v) - recalled) * token(beta).unsqueezed(-1)
    memory = memory + column * correction.unsqueezed(-2)
    outputs.append((memory * token(q).unsqueezed(-1)).sum([-2]))
  }
  return Tensor.stack(outputs, dim: 1).to(value.dtype)
}
