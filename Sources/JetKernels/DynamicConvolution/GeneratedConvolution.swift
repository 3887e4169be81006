public import JetTensor

/// The dynamic causal depthwise convolution with the generator that makes its kernels.
///
/// `kernels[t] = weight · silu(inner[t]) + bias`, then ``dynamicConvolution(_:kernels:window:counts:)``. On a GPU one kernel
/// makes and uses them, so that they never lie in memory.
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

/// Whether our CUDA kernel takes these: bfloat16, four taps, and so many tokens that it pays.
private func isGeneratedOnGPU(
  _ x: Tensor, inner: Tensor, weight: Tensor, bias: Tensor, window: Tensor
) -> Bool {
  guard FastForm.appliesOnGPU(to: x, inner, weight, bias, window),
    [x, inner, weight, bias, window].allSatisfy({ $0.dtype == .bfloat16 }),
    weight.isContiguous, bias.isContiguous, window.dim(2) == 4
  else { return false }
  let (leastTokens, widestInner) = (256, 512)
  return x.dim(0) * x.dim(1) >= leastTokens && x.dim(2).isMultiple(of: 64)
    && inner.dim(2).isMultiple(of: 8) && inner.dim(2) <= widestInner
}
