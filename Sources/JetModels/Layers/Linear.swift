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
