internal import JetTensor

/// The decay from each token of a chunk to each later one: `e^{g_i − g_j}` for `j ≤ i`, 0 above.
///
/// - Parameter g: sums of log decays from the chunk's beginning, `[…, C]`.
/// - Returns: `[…, C, C]`.
func decayTriangle(_ g: Tensor) -> Tensor {
  let size = g.dim(-1)
  let below = Tensor.ones([size, size], dtype: .bool, device: g.device).lowerTriangle()
  // The mask comes before the exponential: above the diagonal the difference is positive and may overflow.
  return exp((g.unsqueezed(-1) - g.unsqueezed(-2)).masked(!below, with: -.infinity))
}
