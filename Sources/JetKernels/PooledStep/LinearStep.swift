public import JetTensor

/// Sequences up to which ``linearStep(_:weight:bias:norm:activatesInput:gatesOutput:residual:)`` is one kernel on a GPU;
/// `kMostRows` of cuda/LinearPlan.cuh.
public let maximumLinearStepSequences = 8

/// The matrix product of a decode step with all that stands around it, by its definition.
///
/// `h = rmsNorm(x)` and `h = silu(h)` where asked for, `y = W h + b`, `y = silu(y₁) · y₂` of the halves of `y` where the
/// output is gated, and `residual + y`. Each step is rounded to the type of `x`.
///
/// Shapes: N sequences, F features.
///
/// - Parameters:
///   - x: `[N, in]`.
///   - weight: `[F, in]`, or `[2F, in]` where the output is gated: the rows of the gate, then those that it gates.
///   - bias: as long as `weight` has rows.
///   - norm: the weight of the norm of `x`, `[in]`, and its ε.
///   - residual: `[N, F]`.
/// - Returns: `[N, F]`.
public func linearStepDefinition(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, norm: (weight: Tensor, eps: Double)? = nil,
  activatesInput: Bool = false, gatesOutput: Bool = false, residual: Tensor? = nil
) -> Tensor {
  var hidden = x
  if let norm { hidden = rmsNorm(hidden, weight: norm.weight, eps: norm.eps) }
  if activatesInput { hidden = silu(hidden) }
  var result = linear(hidden, weight, bias)
  if gatesOutput { result = swiGLU(result) }
  return residual.map { $0 + result } ?? result
}

/// The matrix product of a decode step;
/// see ``linearStepDefinition(_:weight:bias:norm:activatesInput:gatesOutput:residual:)``.
///
/// On a GPU, in bfloat16 and for at most 8 sequences whose inputs have room in shared memory, one kernel that reads the
/// weight once; a sequence's numbers then have the same bits whatever the others are and however many.
///
/// - Precondition: inside ``CUDAGraph``, `weight` and the weight of `norm` are constant.
public func linearStep(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, norm: (weight: Tensor, eps: Double)? = nil,
  activatesInput: Bool = false, gatesOutput: Bool = false, residual: Tensor? = nil
) -> Tensor {
  let operands = [x, weight, bias, norm?.weight, residual].compactMap { $0 }
  // Rows that lie in one piece each; the result has no gradient.
  let isTaken = operands.allSatisfy {
    FastForm.appliesOnGPU(to: x, $0) && $0.dtype == x.dtype
      && ($0.dim(-1) == 1 || $0.strides.last == 1)
      && !($0.requiresGradient && gradientsAreEnabled)
  }
  guard isTaken, x.rank == 2, weight.isContiguous else {
    return linearStepDefinition(
      x, weight: weight, bias: bias, norm: norm, activatesInput: activatesInput,
      gatesOutput: gatesOutput, residual: residual)
  }
  return Kernels.linearStep(
    .tensor(x), .tensor(weight), .optional(bias), .optional(norm?.weight),
    .double(norm?.eps ?? 0), .bool(activatesInput), .bool(gatesOutput), .optional(residual))
}
