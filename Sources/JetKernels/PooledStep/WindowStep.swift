public import JetTensor

/// One token of the short convolution for each of N sequences, whose windows have slots in a pool, by
/// ``shortConvolution(_:weight:bias:window:counts:)`` on gathered rows of the pool.
///
/// Shapes: N rows, D channels, W taps, S slots.
///
/// - Parameters:
///   - x: `[N, D]`.
///   - weight: `[D, W]`.
///   - bias: `[D]`, or none.
///   - window: the pool `[S, D, W]`, newest last; changed in place at `slots`.
///   - slots: int32 `[N]`. Rows that share a slot leave one of their windows there, unspecified which.
/// - Returns: `[N, D]` in the type of `x`, `silu` included.
public func convolutionStepDefinition(
  _ x: Tensor, weight: Tensor, bias: Tensor?, window: Tensor, slots: Tensor
) -> Tensor {
  var own = window.rows(slots)
  let y = shortConvolution(x.unsqueezed(1), weight: weight, bias: bias, window: &own)
  window.assign(own, at: [slots.to(.int64)])
  return y.squeezed(1)
}

/// One token of the short convolution on a pool of windows; see
/// ``convolutionStepDefinition(_:weight:bias:window:slots:)``. On a GPU our kernel runs, elsewhere the definition does.
public func convolutionStep(
  _ x: Tensor, weight: Tensor, bias: Tensor?, window: Tensor, slots: Tensor
) -> Tensor {
  let parameters = [weight, bias].compactMap(\.self)
  guard windowStepFits(x, parameters, window: window, slots: slots) else {
    return convolutionStepDefinition(x, weight: weight, bias: bias, window: window, slots: slots)
  }
  return Kernels.convolutionStep(
    .tensor(x), .tensor(weight), .optional(bias), .tensor(window), .tensor(slots))
}

/// The input before the present one of each of N sequences, whose windows have slots in a pool, by
/// ``previousTokens(_:window:counts:)`` on gathered rows of the pool.
///
/// - Parameters:
///   - x: `[N, D]`.
///   - window: the pool `[S, D, 1]`; changed in place at `slots`, int32 `[N]`.
/// - Returns: `[N, D]` in the type of `x`.
public func tokenShiftStepDefinition(_ x: Tensor, window: Tensor, slots: Tensor) -> Tensor {
  var own = window.rows(slots)
  let y = previousTokens(x.unsqueezed(1), window: &own)
  window.assign(own, at: [slots.to(.int64)])
  return y.squeezed(1)
}

/// The input before the present one on a pool of windows; see ``tokenShiftStepDefinition(_:window:slots:)``. On a GPU our
/// kernel runs, elsewhere the definition does.
public func tokenShiftStep(_ x: Tensor, window: Tensor, slots: Tensor) -> Tensor {
  guard windowStepFits(x, [], window: window, slots: slots) else {
    return tokenShiftStepDefinition(x, window: window, slots: slots)
  }
  return Kernels.tokenShiftStep(.tensor(x), .tensor(window), .tensor(slots))
}

/// Whether our CUDA kernels take these: all of one type, the parameters and the pool contiguous.
private func windowStepFits(
  _ x: Tensor, _ parameters: [Tensor], window: Tensor, slots: Tensor
) -> Bool {
  (parameters + [x, window]).allSatisfy {
    FastForm.appliesOnGPU(to: x, $0) && $0.dtype == x.dtype
      && !($0.requiresGradient && gradientsAreEnabled)
  }
    && (parameters + [window, slots]).allSatisfy(\.isContiguous) && slots.dtype == .int32
    && (x.dim(1) == 1 || x.strides.last == 1) && x.dim(0) <= 65_535
}
