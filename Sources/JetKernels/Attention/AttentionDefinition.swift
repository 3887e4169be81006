public import JetTensor

/// Causal attention with grouped heads, by its definition.
///
/// `o_t = Σ_s softmax_s(scale · q_t·k_s) v_s` over the keys whose position is known (0 or more), not after that of the
/// query and, with a window of W, less than W positions before it. Query head `h` meets key head `h · G / H`.
///
/// Shapes: B batch, H query heads, G key heads, T queries, S keys, D head width.
///
/// - Parameters:
///   - query: `[B, H, T, D]`.
///   - key: `[B, G, S, D]`; value likewise.
///   - queryPositions: int64 `[B, T]`.
///   - keyPositions: int64 `[B, S]`, -1 where there is no key.
/// - Returns: `[B, H, T, D]` in the type of `query`; zeros for a query that sees no key.
public func attentionDefinition(
  query: Tensor, key: Tensor, value: Tensor, queryPositions: Tensor, keyPositions: Tensor,
  window: Int?, scale: Double
) -> Tensor {
  let group = query.dim(1) / key.dim(1)
  let (k, v) = (key.repeated(group, dim: 1).float32, value.repeated(group, dim: 1).float32)
  let visible = visibility(queryPositions, keyPositions, window: window).unsqueezed(1)
  let scores = matmul(query.float32, k.transposed(-1, -2)) * scale
  let weights = scores.masked(!visible, with: -.infinity).softmax(dim: -1)
  return matmul(weights.masked(!visible, with: 0), v).to(query.dtype)
}

/// Which keys each query sees: truth values `[B, T, S]`.
func visibility(_ queryPositions: Tensor, _ keyPositions: Tensor, window: Int?) -> Tensor {
  let (q, k) = (queryPositions.unsqueezed(2), keyPositions.unsqueezed(1))
  let causal = (k .<= q) & (k .>= 0)
  return window.map { causal & (k .> (q - Double($0))) } ?? causal
}
