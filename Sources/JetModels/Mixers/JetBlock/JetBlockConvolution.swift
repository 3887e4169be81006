import JetKernels
public import JetTensor

/// The second layer of a kernel generator: from its inner channels to the taps of every convolved channel.
public struct KernelGenerator {
  /// The taps of a channel side by side, `[D·W, R]`.
  public let weight: Tensor
  /// `[D·W]`.
  public let bias: Tensor

  /// Zero weights and a random bias: the block begins with a fixed convolution, and as the first layer is not zero its
  /// gradients are alive.
  init(channels: Int, taps: Int, width: Int, deviation: Double, _ path: ParameterPath) throws {
    weight = try path.parameter("weight", [channels * taps, width], .constant(0))
    bias = try path.parameter("bias", [channels * taps], .normal(deviation: deviation))
  }
}

/// The convolution of a JetBlock: its kernels made from each token, or fixed.
public enum JetBlockConvolution {
  /// One generator a stream.
  case dynamic([KernelGenerator])
  /// All streams one below the other.
  case fixed(ShortConvolution)

  init(_ configuration: JetBlockConfiguration, deviation: Double, _ path: ParameterPath) throws {
    let (streams, taps) = (configuration.streams, configuration.kernelSize)
    switch configuration.kernels {
    case .dynamic:
      self = .dynamic(
        try zip(streams, configuration.generatorWidths).map { stream, width in
          try KernelGenerator(
            channels: stream.channels, taps: taps, width: width, deviation: deviation,
            path / Self.generatorName(stream.prefix) / "kernel_generator" / "w2")
        })
    case .fixed:
      self = .fixed(
        try ShortConvolution(
          of: streams.map { ("\($0.prefix)_conv1d", $0.channels) }, taps: taps, path))
    }
  }

  /// The released code calls the one on the values `dynamic_conv1d`; those on queries and keys carry their letter.
  static func generatorName(_ prefix: String) -> String {
    prefix == "v" ? "dynamic_conv1d" : "\(prefix)_dynamic_conv1d"
  }

  /// Convolves the streams, side by side: `[B, T, D]` to `[B, T, D]`, `silu` included.
  ///
  /// - Parameters:
  ///   - inner: the generators' first layers before `silu`, `[B, T, R]` each; none for fixed kernels.
  ///   - window: `[B, D, W]`, moved on.
  func callAsFunction(
    _ x: Tensor, inner: [Tensor], window: inout Tensor, _ context: ForwardContext
  ) -> Tensor {
    switch self {
    case .dynamic(let generators) where generators.count == 1:
      return generatedConvolution(
        x, inner: inner[0], weight: generators[0].weight, bias: generators[0].bias, window: &window,
        counts: context.paddedCounts)
    case .dynamic(let generators):
      let each = zip(inner, generators).map { linear(silu($0), $1.weight, $1.bias) }
      let kernels = Tensor.concatenate(each, dim: -1)  // [B, T, D·W]
      return dynamicConvolution(
        x.contiguous(), kernels: kernels, window: &window, counts: context.paddedCounts)
    case .fixed(let convolution):
      return convolution(x, window: &window, context)
    }
  }
}
