import JetTensor
import JetTestSupport
import Testing

/// How far a result may be from the definition on the same inputs in float32, for every test of this module.
///
/// bfloat16 keeps 8 bits, so one rounding moves a number by up to 2⁻⁸ = 0.0039 of itself, and no more: a kernel that
/// rounds once is held to 0.004, and one that rounds twice to 0.008. The step operators round after each projection,
/// about five times one after another, but with errors of either sign: 0.008 was measured. In float32 only the order
/// of the sums differs; those bounds stand about three times above the worst that was measured, over all instruction
/// sets, and a wrong number is far above them.
enum Bound: Sendable {
  /// Normalizations, SwiGLU, rotary embedding, convolutions: one pass, rounded once.
  case pass
  /// Rounded to the type of `x` before it is normalized.
  case roundedPass
  /// Read-outs of the gated delta rule: sums over all tokens before, in float32, rounded once.
  case recurrence
  /// Attention: float32 sums, rounded once or, where weights or two parts are rounded as well, a few times.
  case attention
  /// The fused operators of a decode step.
  case step

  /// The largest relative error of results in `dtype`.
  func relative(_ dtype: DType) -> Double {
    let (single, half) =
      switch self {
      case .pass: (6e-7, 4e-3)
      case .roundedPass: (6e-7, 8e-3)
      case .recurrence: (2e-6, 4e-3)
      case .attention: (3e-6, 8e-3)
      case .step: (1.5e-6, 1e-2)
      }
    return dtype == .bfloat16 ? half : single
  }

  /// Gradients beside five-point differences of float32 results: what rounding leaves of a difference.
  static let differences = 1e-3
  /// Gradients of two forms that are both exact.
  static let gradients = 1e-5
}

/// Expects `‖result − reference‖ / ‖reference‖` and the largest difference over the largest number within `bound`.
///
/// Numbers that are not finite and other shapes fail.
func expectNear(
  _ result: Tensor, near reference: Tensor, _ bound: Double, _ what: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = relativeError(result, reference)
  let scale = abs(reference.to(.float64)).max().item(as: Double.self)
  let largest = scale == 0 ? error : largestDifference(result, reference) / scale
  #expect(
    error <= bound && largest <= bound,
    "\(what()): \(result.summary) is off by \(error), at most by \(largest), of \(bound)",
    sourceLocation: sourceLocation)
}
