import JetKernels
public import JetTensor

/// A linear map: `x Wᵀ + b`.
public struct Linear {
  /// `[out, in]`.
  public let weight: Tensor
  /// `[out]`.
  public let bias: Tensor?

  /// The map from `inputs` to `outputs` at `path`.
  init(
    _ inputs: Int, to outputs: Int, bias initializer: Initializer? = nil, deviation: Double,
    _ path: ParameterPath
  ) throws {
    weight = try path.parameter("weight", [outputs, inputs], .normal(deviation: deviation))
    bias = try initializer.map { try path.parameter("bias", [outputs], $0) }
  }

  /// Several maps of one input as a single product: their rows one below the other.
  init(
    _ inputs: Int, toEach outputs: [(name: String, width: Int)], hasBias: Bool = false,
    deviation: Double, _ path: ParameterPath
  ) throws {
    weight = try path.merged(
      outputs.map { ("\($0.name).weight", $0.width) }, rest: [inputs],
      .normal(deviation: deviation))
    bias =
      hasBias
      ? try path.merged(outputs.map { ("\($0.name).bias", $0.width) }, rest: [], .constant(0)) : nil
  }

  /// `[…, in]` to `[…, out]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight, bias) }

  /// The output of tokens as layers hand them on, as a batch and in pieces of the given lengths; see
  /// ``JetKernels/pieces(of:_:)``.
  ///
  /// On a GPU rows of zeros fill the weight up to a multiple of 8, without which products of bfloat16 are several times
  /// slower and pieces cannot be read 8 bytes at a time.
  func pieces(_ x: Tensor, _ lengths: [Int], _ context: ForwardContext) -> [Tensor] {
    let missing = (8 - weight.dim(0) % 8) % 8
    guard x.device != .cpu, missing > 0 else {
      return JetKernels.pieces(of: context.spread(self(x)), lengths)
    }
    let filled = linear(
      x, weight.padded(after: missing, dim: 0), bias?.padded(after: missing, dim: 0))
    return JetKernels.pieces(of: context.spread(filled), lengths + [missing]).dropLast()
  }
}

extension Linear {
  /// One token a sequence, `[N, in]` to `[N, out]`; see
  /// ``linearStep(_:weight:bias:norm:activatesInput:gatesOutput:residual:)``.
  func step(_ x: Tensor) -> Tensor { linearStep(x, weight: weight, bias: bias) }
}

/// Root-mean-square normalization with learned scales.
public struct RMSNorm {
  /// `[width]`.
  public let weight: Tensor
  /// Added to the mean square.
  public let eps: Double

  init(_ width: Int, eps: Double, _ path: ParameterPath) throws {
    weight = try path.parameter("weight", [width], .constant(1))
    self.eps = eps
  }

  /// Normalizes the last dimension.
  public func callAsFunction(_ x: Tensor) -> Tensor { rmsNorm(x, weight: weight, eps: eps) }
}
