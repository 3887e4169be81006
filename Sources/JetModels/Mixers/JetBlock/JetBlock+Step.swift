import JetKernels
import JetTensor

extension JetBlock {
  /// One token a sequence on pools, norm and residual included, where the block has the released form or fixed kernels.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    switch convolution {
    case .dynamic(let generators) where configuration.isReleasedForm:
      releasedStep(x, inputNorm, generators[0], pool, batch.slots)
    case .dynamic: nil
    case .fixed(let convolution): fixedStep(x, inputNorm, convolution, pool, batch.slots)
    }
  }

  private func releasedStep(
    _ x: ResidualStream, _ inputNorm: RMSNorm, _ generator: KernelGenerator, _ pool: RecurrentState,
    _ slots: Tensor
  ) -> ResidualStream {
    let (heads, inner) = (configuration.heads, configuration.generatorWidth)
    let before = 2 * heads * (configuration.keyWidth + configuration.valueWidth)
    let projected = input.step(x, norm: inputNorm)
    let taps = linearStep(
      projected.slice(before..<before + inner, dim: 1), weight: generator.weight,
      bias: generator.bias, activatesInput: true)
    let mixed = jetBlockStep(
      projected: projected, taps: taps, logRate: decay.logRate, stepBias: decay.stepBias,
      norm: norm.weight, eps: norm.eps, window: pool.window, memory: pool.memory, slots: slots)
    return output.step(mixed, addedTo: x)
  }

  private func fixedStep(
    _ x: ResidualStream, _ inputNorm: RMSNorm, _ convolution: ShortConvolution,
    _ pool: RecurrentState,
    _ slots: Tensor
  ) -> ResidualStream {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = input.step(x, norm: inputNorm)
      .split([2 * keys + values, values, heads, heads], dim: 1)
    let each: [Tensor]
    switch configuration.convolved {
    case .values:
      let unmixed = parts[0].split([2 * keys, values], dim: 1)
      let value = convolution.step(unmixed[1], window: pool.window, slots: slots)
      each = silu(unmixed[0]).split([keys, keys], dim: 1) + [value]
    case .queriesKeysAndValues:
      each = convolution.step(parts[0], window: pool.window, slots: slots)
        .split([keys, keys, values], dim: 1)
    }
    let mixed = recurrentStep(
      query: each[0].heads(heads), key: each[1].heads(heads), value: each[2].heads(heads),
      rule: .delta(write: parts[3], decay: decay.step(parts[2])),
      scale: 1 / Double(configuration.keyWidth).squareRoot(), memory: pool.memory,
      slots: slots)  // [N, H, V]
    return output.step(gatedRMSNormStep(mixed, gate: parts[1], norm: norm), addedTo: x)
  }
}
