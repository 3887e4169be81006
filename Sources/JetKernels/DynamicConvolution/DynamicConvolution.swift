public import JetTensor

/// The dynamic causal depthwise convolution, by its definition.
///
/// `y[t, d] = Σ_w kernels[t, d, w] · x[t − W + 1 + w, d]`, then `silu`: each token brings its own kernel of `W` taps
/// for each channel, the last tap meets the token itself.
///
/// Shapes: B batch, T tokens, D channels, W taps.
///
/// - Parameters:
///   - x: `[B, T, D]`.
///   - kernels: `[B, T, D·W]`, the taps of a channel side by side.
///   - window: the `W` inputs before the first token, newest last, `[B, D, W]`; zeros at the beginning of a sequence.
/// - Returns: `[B, T, D]` in the type of `x`; sums are taken in float32.
/// - Source: Gu et al. 2025, [arXiv:2508.15884](https://arxiv.org/abs/2508.15884), section 2.4.
public func dynamicConvolutionDefinition(_ x: Tensor, kernels: Tensor, window: Tensor) -> Tensor {
  let (channels, taps) = (x.dim(2), window.dim(2))
  let past = window.transposed(1, 2).to(x.dtype)  // [B, W, D]
  let inputs = Tensor.concatenate([past, x], dim: 1).float32  // [B, W + T, D]
  let weights = kernels.reshaped([x.dim(0), x.dim(1), channels, taps]).float32
  var sum: Tensor?
  for tap in 0..<taps {
    let term = inputs.slice(tap + 1..<tap + 1 + x.dim(1), dim: 1) * weights.select(tap, dim: 3)
    sum = sum.map { $0 + term } ?? term
  }
  guard let sum else {
    preconditionFailure("a convolution needs at least one tap, not \(window.summary)")
  }
  return silu(sum).to(x.dtype)
}

/// The window after `x`: the last inputs of each sequence, by its definition.
///
/// - Parameter counts: how many tokens of each sequence are real; all of them when nil.
/// - Returns: `[B, D, W]` in the type of `window`.
public func shiftedWindowDefinition(_ window: Tensor, _ x: Tensor, counts: [Int]?) -> Tensor {
  let (taps, tokens) = (window.dim(2), x.dim(1))
  if counts == nil, tokens >= taps {
    return x.slice(tokens - taps..<tokens, dim: 1).transposed(1, 2).to(window.dtype).contiguous()
  }
  if let counts, counts.allSatisfy({ $0 >= taps }) {
    let places = counts.enumerated().flatMap { row, count in
      (count - taps..<count).map { Int32(row * tokens + $0) }
    }
    let rows = x.reshaped([counts.count * tokens, x.dim(2)])
      .rows(Tensor(places).uploaded(to: x.device))
    return rows.reshaped([counts.count, taps, x.dim(2)]).transposed(1, 2).to(window.dtype)
      .contiguous()
  }
  let all = Tensor.concatenate([window, x.transposed(1, 2).to(window.dtype)], dim: 2)
  guard let counts else { return all.slice(tokens..<tokens + taps, dim: 2).contiguous() }
  let rows = counts.enumerated().map { row, count in
    all.select(row, dim: 0).slice(count..<count + taps, dim: 1)
  }
  return Tensor.stack(rows, dim: 0)
}

/// The dynamic causal depthwise convolution; see ``dynamicConvolutionDefinition(_:kernels:window:)``.
///
/// - Parameters:
///   - window: replaced by the inputs before the next token. Its memory is written where it can be.
///   - counts: how many tokens of each sequence are real; all of them when nil.
public func dynamicConvolution(
  _ x: Tensor, kernels: Tensor, window: inout Tensor, counts: [Int]? = nil
) -> Tensor {
  if FastForm.fuses(x, kernels, window),
    Fused.convolves(channels: x.dim(2), taps: window.dim(2))
  {
    let y = Fused.dynamicConvolution(
      .tensor(x), .tensor(kernels), .tensor(window.contiguous()))
    window = shiftedWindowDefinition(window, x, counts: counts)
    return y
  }
  guard
    FastForm.applies(to: x, kernels, window),
    [kernels, window].allSatisfy({ $0.dtype == x.dtype }), window.isContiguous
  else {
    let y = dynamicConvolutionDefinition(x, kernels: kernels, window: window)
    window = shiftedWindowDefinition(window, x, counts: counts)
    return y
  }
  let shifted = counts.map { shiftedWindowDefinition(window, x, counts: $0) }
  let y = Kernels.dynamicConvolution(
    .tensor(x.contiguous()), .tensor(kernels.contiguous()), .tensor(window), .bool(true))
  if let shifted { window = shifted }
  return y
}
