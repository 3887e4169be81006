import JetKernels
import JetTensor

extension DeltaNet {
  /// One token a sequence on pools, norm and residual included.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = input.step(x, norm: inputNorm).split([2 * keys + values, heads], dim: 1)
    let mixable = convolution.step(parts[0], window: pool.window, slots: batch.slots)
      .split([keys, keys, values], dim: 1)
    let mixed = recurrentStep(
      query: mixable[0].heads(heads), key: mixable[1].heads(heads), value: mixable[2].heads(heads),
      rule: .delta(write: parts[1], decay: nil),
      scale: 1 / Double(configuration.keyWidth).squareRoot(), memory: pool.memory,
      slots: batch.slots)  // [N, H, V]
    return output.step(norm(mixed).mergedHeads, addedTo: x)
  }
}
