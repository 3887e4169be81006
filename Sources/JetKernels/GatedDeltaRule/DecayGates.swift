public import JetTensor

/// How strongly each token writes, and how much of the memory it keeps, by its definition.
///
/// `β = sigmoid(b)`, `logDecay = −e^A · softplus(a + bias)`, both float32.
///
/// Shapes: `decay` (a) and `write` (b) `[…, H]`, `logRate` (A) and `stepBias` `[H]`.
public func decayGatesDefinition(
  decay: Tensor, write: Tensor, logRate: Tensor, stepBias: Tensor
) -> (writeStrength: Tensor, logDecay: Tensor) {
  let strength = sigmoid(write.float32)
  let logDecay = -exp(logRate.float32) * softplus(decay.float32 + stepBias.float32)
  return (strength, logDecay)
}

/// How strongly each token writes, and how much of the memory it keeps; see
/// ``decayGatesDefinition(decay:write:logRate:stepBias:)``.
public func decayGates(
  decay: Tensor, write: Tensor, logRate: Tensor, stepBias: Tensor
) -> (writeStrength: Tensor, logDecay: Tensor) {
  guard FastForm.fuses(decay, write, logRate, stepBias), decay.dim(-1) <= Fused.mostHeads,
    write.shape == decay.shape, [logRate, stepBias].allSatisfy({ $0.shape == [decay.dim(-1)] })
  else {
    return decayGatesDefinition(
      decay: decay, write: write, logRate: logRate, stepBias: stepBias)
  }
  let both = Fused.decayGates.all(
    .tensor(decay), .tensor(write), .tensor(logRate), .tensor(stepBias), capacity: 2)
  return (both[0], both[1])
}
