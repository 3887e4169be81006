public import JetTensor

/// The squared error relative to the size of what is wanted, by its definition.
///
/// `mean((given − wanted)²) / (mean(wanted²) + 10⁻¹²)`, in float32, a scalar.
public func relativeSquaredErrorDefinition(_ given: Tensor, _ wanted: Tensor) -> Tensor {
  let wanted = wanted.float32
  let difference = given.float32 - wanted
  return (difference * difference).mean() / ((wanted * wanted).mean() + 1e-12)
}

/// The squared error relative to the size of what is wanted; see ``relativeSquaredErrorDefinition(_:_:)``.
///
/// - Parameters:
///   - given: what gradients flow to.
///   - wanted: of the same shape, without gradients.
public func relativeSquaredError(_ given: Tensor, _ wanted: Tensor) -> Tensor {
  guard FastForm.fuses(given, wanted), given.count.isMultiple(of: 4) else {
    return relativeSquaredErrorDefinition(given, wanted)
  }
  return Fused.relativeError(.tensor(given), .tensor(wanted))
}
