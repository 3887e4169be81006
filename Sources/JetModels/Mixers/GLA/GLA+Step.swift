import JetKernels
import JetTensor

extension GLA {
  /// One token a sequence on pools, norm and residual included.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = input.step(x, norm: inputNorm).split([keys, keys, values, values], dim: 1)
    let logits = decay.up.step(decay.down.step(x, norm: inputNorm))
    let logDecay = -softplus(-logits.float32) / configuration.decayDivisor  // [N, H·K]
    let mixed = recurrentStep(
      query: parts[0].heads(heads), key: parts[1].heads(heads), value: parts[2].heads(heads),
      rule: .retention(logDecay: logDecay.heads(heads)),
      scale: 1 / Double(configuration.keyWidth).squareRoot(), memory: pool.memory,
      slots: batch.slots)  // [N, H, V]
    let gated = gatedRMSNormStep(mixed, gate: parts[3], norm: norm)
    return output.step(gated, addedTo: x)
  }
}
