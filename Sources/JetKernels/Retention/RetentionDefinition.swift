public import JetTensor

/// Retention, token by token: its definition.
///
/// `S_t = α_t S_{t−1} + k_t v_tᵀ`, `o_t = scale · S_tᵀ q_t`, with `α = exp(logDecay)` one number a head and `S` of shape
/// `[K, V]`. With a decay that never changes it is RetNet's; with one that each token brings, and its key or value
/// multiplied by the step, it is Mamba2's.
///
/// Shapes: B batch, T tokens, H heads, K key width, V value width.
///
/// - Parameters:
///   - query: `[B, T, H, K]`.
///   - key: `[B, T, H, K]`.
///   - value: `[B, T, H, V]`.
///   - logDecay: natural logarithm of the decay, `[B, T, H]`, at most 0.
///   - memory: the state, `[B, H, K, V]`, float32; replaced by the state after the last token.
///   - scale: factor of the query.
/// - Returns: the read-outs, `[B, T, H, V]`, in the type of `value`.
/// - Complexity: O(B·T·H·K·V) multiply-adds; K·V·H·4 bytes of state a sequence.
/// - Source: Sun et al. 2023, [arXiv:2307.08621](https://arxiv.org/abs/2307.08621), section 2.1; Dao and Gu 2024,
///   [arXiv:2405.21060](https://arxiv.org/abs/2405.21060), section 3.
public func retentionDefinition(
  query: Tensor, key: Tensor, value: Tensor, logDecay: Tensor, memory: inout Tensor, scale: Double
) -> Tensor {
  gatedLinearAttentionDefinition(
    query: query, key: key, value: value, logDecay: logDecay.unsqueezed(-1), memory: &memory,
    scale: scale)
}
