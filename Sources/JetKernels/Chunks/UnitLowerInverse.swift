internal import JetTensor

/// `(I + A)⁻¹` of the part of `A` below the diagonal; what stands on it and above counts as 0.
///
/// - Parameter a: `[…, C, C]`.
/// - Returns: of the shape and type of `a`; computed in float32.
func unitLowerInverse(_ a: Tensor) -> Tensor {
  let size = a.dim(-1)
  if FastForm.fuses(a), size <= 64, a.count > 0 { return Fused.unitLowerInverse(.tensor(a)) }
  let identity = Tensor.ones([size, size], device: a.device).lowerTriangle().upperTriangle()
  let below = a.float32.lowerTriangle(diagonal: -1)
  return solveLowerTriangular(below, identity.expanded(a.shape).contiguous(), unitDiagonal: true)
    .to(a.dtype)
}
