import JetKernels
import JetTensor

extension RetNet {
  /// One token a sequence on pools, norm and residual included; the angles are made on the device.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = input.step(x, norm: inputNorm).split([keys, keys, values, values], dim: 1)
    let angles = RotaryAngles(positions: batch.positions, frequencies: frequencies)
    func turned(_ x: Tensor) -> Tensor {
      rotary(x.heads(heads).unsqueezed(0), angles).squeezed(0)  // [N, H, K]
    }
    let mixed = recurrentStep(
      query: turned(parts[0]), key: turned(parts[1]), value: parts[2].heads(heads),
      rule: .retention(logDecay: logDecay.expanded([x.count, heads])),
      scale: 1 / Double(configuration.keyWidth).squareRoot(), memory: pool.memory,
      slots: batch.slots)  // [N, H, V]
    let gated = gatedRMSNormStep(mixed, gate: parts[3], norm: norm)
    return output.step(gated, addedTo: x)
  }
}
