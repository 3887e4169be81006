public import JetTensor

/// The gated unit of the MLP, by its definition: `silu(g) · u` of `[…, 2F]`, whose first half is `g`.
///
/// - Returns: `[…, F]` in the type of the input; the product is taken in float32.
/// - Source: Shazeer 2020, [arXiv:2002.05202](https://arxiv.org/abs/2002.05202).
public func swiGLUDefinition(_ gateAndUp: Tensor) -> Tensor {
  let width = gateAndUp.dim(-1) / 2
  let halves = gateAndUp.split([width, width], dim: -1)
  return (silu(halves[0].float32) * halves[1].float32).to(gateAndUp.dtype)
}

/// The gated unit of the MLP; see ``swiGLUDefinition(_:)``.
public func swiGLU(_ gateAndUp: Tensor) -> Tensor {
  if FastForm.fuses(gateAndUp), gateAndUp.dim(-1).isMultiple(of: 8) {
    return Fused.swiGLU(.tensor(gateAndUp))
  }
  guard FastForm.applies(to: gateAndUp) else { return swiGLUDefinition(gateAndUp) }
  return Kernels.swiGLU(.tensor(gateAndUp))
}
