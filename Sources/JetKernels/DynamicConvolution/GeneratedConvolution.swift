public import JetTensor

/// The dynamic causal depthwise convolution with the generator that makes its kernels.
///
/// `kernels[t] = weight · silu(inner[t]) + bias`, then ``dynamicConvolution(_:kernels:window:counts:)``. On a GPU of
/// compute capability 9.0 one kernel makes and uses them, so that they do not lie in memory; where gradients are wanted it keeps
/// them, at most 2 GB a call, beyond which they are made again.
///
/// - Parameters:
///   - x: `[B, T, D]`.
///   - inner: the generator's first layer before `silu`, `[B, T, R]`.
///   - weight: `[D·W, R]`, the taps of a channel side by side.
///   - bias: `[D·W]`.
///   - window: the `W` inputs before the first token, `[B, D, W]`; replaced by those before the next token.
///   - counts: how many tokens of each sequence are real; all of them when nil.
/// - Returns: `[B, T, D]`, `silu` included.
public func generatedConvolution(
  _ x: Tensor, inner: Tensor, weight: Tensor, bias: Tensor, window: inout Tensor,
  counts: [Int]? = nil
) -> Tensor {
  guard isGeneratedOnGPU(x, inner: inner, weight: weight, bias: bias, window: window) else {
    return dynamicConvolution(
      x.contiguous(), kernels: linear(silu(inner), weight, bias), window: &window, counts: counts)
  }
  let y = Kernels.generatedConvolution(
    .tensor(x), .tensor(inner), .tensor(weight), .tensor(bias), .tensor(window.contiguous()))
  window = shiftedWindowDefinition(window, x, counts: counts)
  return y
}

/// Whether our CUDA operator takes these: bfloat16, four taps, and so many tokens that its kernel pays.
private func isGeneratedOnGPU(
  _ x: Tensor, inner: Tensor, weight: Tensor, bias: Tensor, window: Tensor
) -> Bool {
  guard FastForm.appliesOnGPU(to: x, inner, weight, bias, window),
    [x, inner, weight, bias, window].allSatisfy({ $0.dtype == .bfloat16 }),
    bias.isContiguous, window.shape == [x.dim(0), x.dim(2), 4]
  else { return false }
  let (channels, width) = (x.dim(2), inner.dim(2))
  let (leastTokens, widths) = (256, 8...512)
  return x.dim(0) * x.dim(1) >= leastTokens && channels > 0 && channels.isMultiple(of: 64)
    && width.isMultiple(of: 8) && widths.contains(width)
    && weight.shape == [4 * channels, width] && bias.shape == [4 * channels]
}
