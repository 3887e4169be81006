internal import JetTensor

/// The decay from each token of a chunk to each later one: `e^{g_i − g_j}` for `j ≤ i`, 0 above.
///
/// - Parameters:
///   - g: sums of log decays from the chunk's beginning, `[…, C]`, float64: a token that forgets nearly all makes them
///     large, and in float32 their small differences would not survive it.
///   - dtype: of the result.
/// - Returns: `[…, C, C]`.
func decayTriangle(_ g: Tensor, dtype: DType = .float32) -> Tensor {
  let size = g.dim(-1)
  if g.device != .cpu, !FastForm.isDisabled, size <= Fused.widestTriangle, g.count > 0,
    dtype == .float32 || dtype == .bfloat16
  {
    return Fused.decayTriangle(.tensor(g), .bool(dtype == .bfloat16))
  }
  let below = Tensor.ones([size, size], dtype: .bool, device: g.device).lowerTriangle()
  let differences = (g.unsqueezed(-1) - g.unsqueezed(-2)).float32
  // The mask comes before the exponential: above the diagonal the difference is positive and may overflow.
  return exp(differences.masked(!below, with: -.infinity)).to(dtype)
}
