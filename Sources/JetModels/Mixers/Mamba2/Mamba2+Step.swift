import JetKernels
import JetTensor

extension Mamba2 {
  /// One token a sequence on pools, norm and residual included.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    let (heads, groups) = (configuration.heads, configuration.groups)
    let (inner, convolved) = (heads * configuration.valueWidth, configuration.convolvedChannels)
    let shared = groups * configuration.keyWidth
    let parts = input.step(x, norm: inputNorm).split([inner, convolved, heads], dim: 1)
    let mixable = convolution.step(parts[1], window: pool.window, slots: batch.slots)
      .split([inner, shared, shared], dim: 1)
    let own = mixable[0].heads(heads)  // [N, H, V]
    let mixed = recurrentStep(
      query: mixable[2].heads(groups), key: mixable[1].heads(groups), value: own,
      rule: .stateSpace(decay.step(parts[2])), scale: 1, memory: pool.memory, slots: batch.slots)
    let read = (mixed + own.float32 * skip.float32.unsqueezed(-1)).mergedHeads
    let gated = (read * silu(parts[0].float32)).to(x.dtype)
    return output.step(gated, norm: norm, addedTo: x)
  }
}
