public import JetTensor

/// The causal depthwise convolution of linear-attention layers: `silu(Σ_w weight[d, w] · x[t − W + 1 + w, d] + bias[d])`.
///
/// Shapes: B batch, T tokens, D channels, W taps; the last tap meets the token itself.
///
/// - Parameters:
///   - x: `[B, T, D]`.
///   - weight: `[D, W]`.
///   - bias: `[D]`, or none.
///   - window: the `W` inputs before the first token, newest last, `[B, D, W]`; replaced by those before the next one.
///   - counts: how many tokens of each sequence are real; all of them when nil.
/// - Returns: `[B, T, D]` in the type of `x`; sums are taken in float32.
public func shortConvolution(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, window: inout Tensor, counts: [Int]? = nil
) -> Tensor {
  let (tokens, taps) = (x.dim(1), weight.dim(1))
  if FastForm.fuses(x, weight, bias, window), Fused.convolves(channels: x.dim(2), taps: taps) {
    let y = Fused.shortConvolution(
      .tensor(x), .tensor(weight), .optional(bias), .tensor(window.contiguous()))
    window = shiftedWindowDefinition(window, x, counts: counts)
    return y
  }
  let inputs = Tensor.concatenate([window.transposed(1, 2).to(x.dtype), x], dim: 1).float32
  let taken = (0..<taps).map { tap in
    inputs.slice(tap + 1..<tap + 1 + tokens, dim: 1) * weight.select(tap, dim: 1).float32
  }
  let products = taken.dropFirst().reduce(taken[0], +)
  let sum = bias.map { products + $0.float32 } ?? products
  window = shiftedWindowDefinition(window, x, counts: counts)
  return silu(sum).to(x.dtype)
}
