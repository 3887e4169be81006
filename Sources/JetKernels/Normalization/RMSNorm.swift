public import JetTensor

/// Root-mean-square normalization over the last dimension, by its definition.
///
/// `y = x / √(mean(x²) + ε) · w`, in float32, then rounded to the type of `x`.
///
/// - Source: Zhang and Sennrich 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467).
public func rmsNormDefinition(_ x: Tensor, weight: Tensor?, eps: Double) -> Tensor {
  let wide = x.float32
  let normalized = wide * rsqrt((wide * wide).mean([-1], keepDims: true) + eps)
  guard let weight else { return normalized.to(x.dtype) }
  return (normalized * weight.float32).to(x.dtype)
}

/// Root-mean-square normalization over the last dimension; see ``rmsNormDefinition(_:weight:eps:)``.
public func rmsNorm(_ x: Tensor, weight: Tensor, eps: Double) -> Tensor {
  if FastForm.fuses(x, weight), Fused.normalizes(width: x.dim(-1)) {
    return Fused.rmsNorm(.tensor(x), .tensor(weight), .double(eps))
  }
  guard FastForm.applies(to: x, weight), weight.isContiguous else {
    return rmsNormDefinition(x, weight: weight, eps: eps)
  }
  return Kernels.rmsNorm(.tensor(x), .tensor(weight), .double(eps))
}

/// Whether ``addingRMSNorm(_:_:weight:eps:)`` is one kernel of a GPU for a residual stream like this.
public func addsAndNormsAtOnce(_ residual: Tensor) -> Bool {
  FastForm.fuses(residual) && Fused.normalizes(width: residual.dim(-1))
}

/// The sum of a residual stream and a new part, and its normalization.
///
/// - Returns: `residual + x`, rounded to its type, and the ``rmsNorm(_:weight:eps:)`` of that.
public func addingRMSNorm(
  _ residual: Tensor, _ x: Tensor, weight: Tensor, eps: Double
) -> (residual: Tensor, normalized: Tensor) {
  if FastForm.fuses(residual, x, weight), residual.shape == x.shape,
    Fused.normalizes(width: x.dim(-1))
  {
    let both = Fused.addRMSNorm.all(
      .tensor(residual), .tensor(x), .tensor(weight), .double(eps), capacity: 2)
    return (both[0], both[1])
  }
  guard FastForm.applies(to: residual, x, weight), residual.dtype == x.dtype,
    weight.isContiguous
  else {
    let sum = residual + x
    return (sum, rmsNorm(sum, weight: weight, eps: eps))
  }
  let both = Kernels.addRMSNorm.all(
    .tensor(residual), .tensor(x), .tensor(weight), .double(eps))
  return (both[0], both[1])
}

/// Normalization of each head, scaled by a gate, by its definition.
///
/// `y = x / √(mean(x²) + ε) · w · silu(gate)`, in float32, then rounded to the type of `gate`.
///
/// Shapes: `x` and `gate` `[…, H, V]`, `weight` `[V]`.
public func gatedRMSNormDefinition(
  _ x: Tensor, gate: Tensor, weight: Tensor, eps: Double
) -> Tensor {
  let normalized = rmsNormDefinition(x.float32, weight: weight.float32, eps: eps)
  return (normalized * silu(gate.float32)).to(gate.dtype)
}

/// Normalization of each head, scaled by a gate; see ``gatedRMSNormDefinition(_:gate:weight:eps:)``.
public func gatedRMSNorm(_ x: Tensor, gate: Tensor, weight: Tensor, eps: Double) -> Tensor {
  if FastForm.fuses(x, gate, weight), x.shape == gate.shape,
    Fused.normalizes(width: x.dim(-1))
  {
    return Fused.gatedRMSNorm(.tensor(x), .tensor(gate), .tensor(weight), .double(eps))
  }
  guard FastForm.applies(to: x, gate, weight), x.dtype == gate.dtype,
    weight.isContiguous
  else {
    return gatedRMSNormDefinition(x, gate: gate, weight: weight, eps: eps)
  }
  return Kernels.gatedRMSNorm(.tensor(x), .tensor(gate), .tensor(weight), .double(eps))
}

/// Rows of length one: `x / √(Σx² + 10⁻⁶)` over the last dimension, in float32.
public func unitRows(_ x: Tensor) -> Tensor {
  let wide = x.float32
  return wide * rsqrt((wide * wide).sum([-1], keepDims: true) + 1e-6)
}
