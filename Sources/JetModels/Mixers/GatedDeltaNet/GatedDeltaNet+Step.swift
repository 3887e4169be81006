import JetKernels
import JetTensor

extension GatedDeltaNet {
  /// One token a sequence on pools, norm and residual included.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = input.step(x, norm: inputNorm)
      .split([2 * keys + values, values, heads, heads], dim: 1)
    let mixable = convolution.step(parts[0], window: pool.window, slots: batch.slots)
      .split([keys, keys, values], dim: 1)
    let mixed = recurrentStep(
      query: mixable[0].heads(heads), key: mixable[1].heads(heads), value: mixable[2].heads(heads),
      rule: .delta(write: parts[3], decay: decay.step(parts[2])),
      scale: 1 / Double(configuration.keyWidth).squareRoot(), memory: pool.memory,
      slots: batch.slots)  // [N, H, V]
    let gated = gatedRMSNormStep(mixed, gate: parts[1], norm: norm)
    return output.step(gated, addedTo: x)
  }
}
