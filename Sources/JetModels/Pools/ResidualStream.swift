import JetKernels
public import JetTensor

/// What flows through the layers, `[N, D]` of a step or `[1, ΣT, D]` of prompts: each mixer and MLP adds its part.
///
/// A part waits for the norm behind it, so that one kernel adds and norms; but of a step only where libtorch does the
/// products, as on a GPU for many sequences: elsewhere the product's own kernel adds.
public final class ResidualStream {
  private var sum: Tensor
  /// What is still to be added.
  private var part: Tensor?

  /// A stream that begins with `x`.
  public init(_ x: Tensor) { sum = x }

  /// N of a step.
  public var count: Int { sum.dim(0) }

  /// The type of its numbers.
  public var dtype: DType { sum.dtype }

  /// Whether parts of a step wait for the norms behind them.
  var waits: Bool {
    Self.waitsAlways || count > maximumLinearStepSequences && addsAndNormsAtOnce(sum)
  }

  /// For tests.
  @TaskLocal static var waitsAlways = false

  /// The sum.
  public var value: Tensor {
    if let part { sum = sum + part }
    part = nil
    return sum
  }

  /// The sum, normed.
  public func normalized(_ norm: RMSNorm) -> Tensor {
    guard let part else { return norm(sum) }
    self.part = nil
    let both = addingRMSNorm(sum, part, weight: norm.weight, eps: norm.eps)
    sum = both.residual
    return both.normalized
  }

  /// The stream behind one more part.
  public func adding(_ part: Tensor) -> ResidualStream {
    let next = ResidualStream(value)
    next.part = part
    return next
  }
}

extension Linear {
  /// The product of the normed stream, `[N, in]` to `[N, out]`; see
  /// ``linearStep(_:weight:bias:norm:activatesInput:gatesOutput:residual:)``.
  func step(_ x: ResidualStream, norm: RMSNorm, gatesOutput: Bool = false) -> Tensor {
    x.waits
      ? linearStep(x.normalized(norm), weight: weight, bias: bias, gatesOutput: gatesOutput)
      : linearStep(
        x.value, weight: weight, bias: bias, norm: (norm.weight, norm.eps),
        gatesOutput: gatesOutput)
  }

  /// The stream with the product of `inner`, `[N, in]`, added; that is normed first where there is a norm.
  func step(
    _ inner: Tensor, norm: RMSNorm? = nil, addedTo x: ResidualStream
  ) -> ResidualStream {
    let norm = norm.map { ($0.weight, $0.eps) }
    return x.waits
      ? x.adding(linearStep(inner, weight: weight, bias: bias, norm: norm))
      : ResidualStream(
        linearStep(inner, weight: weight, bias: bias, norm: norm, residual: x.value))
  }
}
