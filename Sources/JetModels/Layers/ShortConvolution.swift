import JetKernels
public import JetTensor

/// A causal depthwise convolution of a few taps, then `silu`; see
/// ``shortConvolution(_:weight:bias:window:counts:)``.
public struct ShortConvolution {
  /// `[D, 1, W]`, the last tap meets the token itself.
  public let weight: Tensor
  /// `[D]`.
  public let bias: Tensor?

  /// The convolutions of several inputs as one: their channels one below the other.
  init(
    of inputs: [(name: String, channels: Int)], taps: Int, hasBias: Bool = false,
    _ path: ParameterPath
  ) throws {
    let bound = 1 / Double(taps).squareRoot()
    let initializer = Initializer.uniform(-bound, bound) { $0 }
    weight = try path.merged(
      inputs.map { ("\($0.name).weight", $0.channels) }, rest: [1, taps], initializer)
    bias =
      hasBias
      ? try path.merged(inputs.map { ("\($0.name).bias", $0.channels) }, rest: [], initializer)
      : nil
  }

  /// `[B, T, D]` to `[B, T, D]`; the window `[B, D, W]` is moved on.
  func callAsFunction(_ x: Tensor, window: inout Tensor, _ context: ForwardContext) -> Tensor {
    shortConvolution(
      x, weight: weight.squeezed(1), bias: bias, window: &window, counts: context.paddedCounts)
  }

  /// One token a sequence, `[N, D]` to `[N, D]`; the windows lie in a pool `[S, D, W]` at `slots` and are moved on there.
  func step(_ x: Tensor, window: Tensor, slots: Tensor) -> Tensor {
    convolutionStep(x, weight: weight.squeezed(1), bias: bias, window: window, slots: slots)
  }
}
