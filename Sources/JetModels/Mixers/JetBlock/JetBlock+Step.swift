import JetKernels
public import JetTensor

extension JetBlock {
  /// One token a sequence on pools, norm and residual included, where the block has the released form.
  public func step(
    _ x: Tensor, norm inputNorm: RMSNorm, pool: RecurrentState, slots: Tensor
  ) -> Tensor? {
    guard configuration.isReleasedForm, case .dynamic(let generators) = convolution else {
      return nil
    }
    let (heads, inner) = (configuration.heads, configuration.generatorWidth)
    let before = 2 * heads * (configuration.keyWidth + configuration.valueWidth)
    let projected = linearStep(
      x, weight: input.weight, norm: (inputNorm.weight, inputNorm.eps))
    let taps = linearStep(
      projected.slice(before..<before + inner, dim: 1), weight: generators[0].weight,
      bias: generators[0].bias, activatesInput: true)
    let mixed = jetBlockStep(
      projected: projected, taps: taps, logRate: decay.logRate, stepBias: decay.stepBias,
      norm: norm.weight, eps: norm.eps, window: pool.window, memory: pool.memory, slots: slots)
    return linearStep(mixed, weight: output.weight, residual: x)
  }
}
