import JetKernels
import JetTensor

/// The convolution with its generator and those with given kernels.
extension LayerPartChecks {
  static func convolutions(small: Bool, _ tally: inout Tally) {
    for dtype in [DType.float32, .bfloat16] {
      for (tokens, channels) in [(1, 4), (67, 20), (130, 48)] {
        givenKernels(tokens, channels, dtype, &tally)
      }
    }
    let convolved = [
      (1, 256, 64, 8), (2, 130, 128, 72), (4, 67, 192, 128), (1, 500, 768, 96), (2, 333, 256, 384),
      (5, 64, 64, 200), (1, 1000, 3072, 384), (2, 257, 1024, 512),
    ]
    for (batch, tokens, channels, inner) in small ? Array(convolved.prefix(2)) : convolved {
      convolution(batch, tokens, channels, inner, .usual, &tally)
    }
    for order in TokenOrder.allCases where order != .usual {
      convolution(3, 130, 128, 72, order, &tally)
      convolution(3, 1, 64, 64, order, &tally)
    }
    for (batch, tokens, channels, inner) in convolved.prefix(small ? 2 : 6) {
      convolutionWithoutTrace(batch, tokens, channels, inner, &tally)
    }
    convolutionInPieces(&tally)
  }

  /// Convolutions whose kernels are given: one for each token, and one for all with and without a bias. The inputs are
  /// cut out of a wider tensor, and of the first their gradient is written where it belongs.
  private static func givenKernels(
    _ tokens: Int, _ channels: Int, _ dtype: DType, _ tally: inout Tally
  ) {
    let wide = normal([2, tokens, channels + 8], dtype, seed: 12)
    let before = normal([2, channels, 4], dtype, seed: 13)
    compare(
      "convolution with a kernel for each token 2×\(tokens)×\(channels)", dtype,
      [wide, normal([2, tokens, 4 * channels], dtype, seed: 14)], ["merged", "kernels"], &tally
    ) {
      var window = before.clone()
      let x = JetKernels.pieces(of: $0[0], [8, channels])[1]
      return [dynamicConvolution(x, kernels: $0[1], window: &window)]
    }
    compare(
      "short convolution 2×\(tokens)×\(channels)", dtype,
      [
        wide.split([8, channels], dim: -1)[1], normal([channels, 4], dtype, seed: 15),
        normal([channels], dtype, seed: 16),
      ], ["x", "weight", "bias"], &tally
    ) { x in
      [x[2], nil].map { bias in
        var window = before.clone()
        return shortConvolution(x[0], weight: x[1], bias: bias, window: &window)
      }
    }
  }

  /// How the tokens of sequences follow each other in memory.
  private enum TokenOrder: String, CaseIterable {
    case usual = "one sequence after another"
    case everySecond = "every second token"
    case sequencesInside = "all sequences of a token together"

    /// Random rows `[batch, tokens, width]` in this order.
    func rows(_ batch: Int, _ tokens: Int, _ width: Int, seed: UInt64) -> Tensor {
      switch self {
      case .usual: normal([batch, tokens, width], .bfloat16, seed: seed)
      case .everySecond:
        normal([batch, 2 * tokens, width], .bfloat16, seed: seed).strided(by: 2, dim: 1)
      case .sequencesInside:
        normal([tokens, batch, width], .bfloat16, seed: seed).transposed(0, 1)
      }
    }
  }

  /// Values, inner layer, and what makes the taps; values and inner layer are cut out of one tensor.
  private static func convolutionInputs(
    _ batch: Int, _ tokens: Int, _ channels: Int, _ inner: Int, _ order: TokenOrder
  ) -> [Tensor] {
    let wide = order.rows(batch, tokens, channels + inner + 8, seed: 8)
    let cut = wide.split([8, channels, inner], dim: -1)
    return [
      cut[1], cut[2],
      (normal([4 * channels, inner], .float32, seed: 9) * 0.05).to(.bfloat16),
      (normal([4 * channels], .float32, seed: 10) * 0.5).to(.bfloat16),
    ]
  }

  private static func convolution(
    _ batch: Int, _ tokens: Int, _ channels: Int, _ inner: Int, _ order: TokenOrder,
    _ tally: inout Tally
  ) {
    let before = normal([batch, channels, 4], .bfloat16, seed: 11)
    compare(
      "convolution with its generator \(batch)×\(tokens)×\(channels), inner \(inner), \(order.rawValue)",
      .bfloat16, convolutionInputs(batch, tokens, channels, inner, order),
      ["x", "inner", "weight", "bias"], &tally
    ) {
      var window = before.clone()
      return [
        generatedConvolution(
          $0[0], inner: $0[1], weight: $0[2], bias: $0[3], window: &window)
      ]
    }
  }

  /// Gradients of a pass that keeps nothing for them, as none does that is too large: the taps are made again.
  private static func convolutionWithoutTrace(
    _ batch: Int, _ tokens: Int, _ channels: Int, _ inner: Int, _ tally: inout Tally
  ) {
    let before = normal([batch, channels, 4], .bfloat16, seed: 11)
    compare(
      "convolution with its generator, nothing kept, \(batch)×\(tokens)×\(channels), inner \(inner)",
      .bfloat16, convolutionInputs(batch, tokens, channels, inner, .usual),
      ["x", "inner", "weight", "bias"], &tally
    ) { x in
      var window = before.clone()
      return withoutTraces {
        [generatedConvolution(x[0], inner: x[1], weight: x[2], bias: x[3], window: &window)]
      }
    }
  }

  /// Two calls, the second with the first one's window, give what one gives.
  private static func convolutionInPieces(_ tally: inout Tally) {
    withoutGradients {
      let (tokens, channels) = (700, 192)
      let x = convolutionInputs(1, tokens, channels, 96, .usual)
      func part(_ range: Range<Int>, _ window: inout Tensor) -> Tensor {
        generatedConvolution(
          x[0].slice(range, dim: 1), inner: x[1].slice(range, dim: 1), weight: x[2], bias: x[3],
          window: &window)
      }
      let before = normal([1, channels, 4], .bfloat16, seed: 11)
      var (whole, cut) = (before.clone(), before.clone())
      let expected = part(0..<tokens, &whole)
      let found = Tensor.concatenate([part(0..<290, &cut), part(290..<tokens, &cut)], dim: 1)
      tally.compare(
        "convolution with its generator in two calls",
        [("output", found, expected, 0), ("window", cut, whole, 0)])
    }
  }
}
