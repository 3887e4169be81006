import JetKernels
import JetTensor

extension RWKV7 {
  /// One token a sequence on pools, norm and residual included.
  public func step(
    _ x: ResidualStream, norm inputNorm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? {
    let hidden = x.normalized(inputNorm)
    let previous = tokenShiftStep(hidden, window: pool.window, slots: batch.slots)
    // The shares are [1, 1, D].
    let inputs = inputs(hidden.unsqueezed(0), previous: previous.unsqueezed(0)) {
      $0.step($1.squeezed(0)).unsqueezed(0)
    }
    func token(_ x: Tensor) -> Tensor { x.squeezed(0) }
    let mixed = recurrentStep(
      query: token(inputs.receptance), key: token(inputs.written),
      value: token(inputs.value.float32),
      rule: .generalized(
        logDecay: token(inputs.logDecay), recallKey: token(-inputs.removed),
        rewriteKey: token(inputs.removed * inputs.rate)),
      scale: 1, memory: pool.memory, slots: batch.slots)  // [N, H, V]
    return output.step(token(opened(mixed.unsqueezed(0), inputs)), addedTo: x)
  }
}
