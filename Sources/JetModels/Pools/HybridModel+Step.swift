import JetKernels
public import JetTensor

extension HybridModel {
  /// One token of each of some sequences.
  ///
  /// The pools are changed in place. On a GPU with our kernels nothing waits for the host and no size depends on a position,
  /// so that the calls can be recorded in a graph and repeated, unless ``stepsNeedHost``.
  ///
  /// - Returns: the outputs of the last layer, `[N, D]`, before the last norm.
  public func step(_ batch: PooledStep, pools: StatePools) -> Tensor {
    var x = embedding.embedded(batch.tokens)  // [N, D]
    let context = StepContext(batch, pools, configuration, x.device)
    let block = min(x.dim(0), Steps.maximumSequences)
    if Steps.apply(to: x, weight: embedding, sequences: block) {
      var steps = LayerSteps()
      for (layer, pool) in zip(layers, pools.layers) {
        x = layer.mixer.step(x, &steps, norm: layer.mixerNorm, pool, context)
        steps.appendMLP(
          norm: layer.mlpNorm.weight, eps: layer.mlpNorm.eps, gateAndUp: layer.mlp.gateAndUp.weight,
          down: layer.mlp.down.weight)
      }
      return steps(x)
    }
    var stream = ResidualStream(x)
    for (layer, pool) in zip(layers, pools.layers) {
      stream = layer.mixer.step(stream, norm: layer.mixerNorm, pool, context)
      let inner = layer.mlp.gateAndUp.step(stream, norm: layer.mlpNorm, gatesOutput: true)
      stream = layer.mlp.down.step(inner, addedTo: stream)
    }
    return stream.value
  }

  /// Float32 logits of outputs of a step, `[N, D]` to `[N, vocabulary]`.
  public func stepLogits(_ hidden: Tensor) -> Tensor {
    if hidden.device == .cpu { return logits(hidden) }
    return float32Linear(norm(hidden), head)
  }

  /// Whether a step needs the host: some attention has heads that no kernel takes.
  public var stepsNeedHost: Bool {
    layers.contains { layer in
      switch layer.mixer {
      case .linear: false
      case .attention(let attention):
        !pagedAttentionStepFits(
          heads: attention.configuration.heads, keyHeads: attention.configuration.keyValueHeads,
          headWidth: attention.configuration.headWidth)
      }
    }
  }
}

/// What the layers of one step share.
struct StepContext {
  let batch: PooledStep
  let pools: StatePools
  /// How the positions are known to mixers that have no form of their own for a step.
  let forward: ForwardContext
  private let rotary: RotaryConfiguration

  init(_ batch: PooledStep, _ pools: StatePools, _ model: ModelConfiguration, _ device: Device) {
    self.batch = batch
    self.pools = pools
    rotary = model.rotary
    let count = batch.tokens.dim(0)
    forward = ForwardContext(
      starts: batch.knownPositions ?? Array(repeating: 0, count: count),
      batch: TokenBatch(batch.tokens.unsqueezed(1)), rotary: model.rotary)
  }

  /// The pages of a layer that attends to all tokens, or the rings of one with a window: `[N, M]`.
  func pages(isRing: Bool) -> Tensor { isRing ? batch.slots.unsqueezed(1) : batch.pages }
}

extension Mixer {
  /// One token a sequence with norm and residual, `[N, D]` to `[N, D]`: appended to `steps` where there is a fused form;
  /// otherwise what was appended before is run, and then this mixer on its outputs.
  func step(
    _ x: Tensor, _ steps: inout LayerSteps, norm: RMSNorm, _ pool: StatePools.Pool,
    _ context: StepContext
  ) -> Tensor {
    switch (self, pool) {
    case (.attention(let attention), .pages(let keys, let values)):
      attention.appendStep(to: &steps, norm: norm, keys: keys, values: values, context)
      return x
    case (.attention(let attention), .ring(let keys, let values)):
      attention.appendStep(to: &steps, norm: norm, keys: keys, values: values, context)
      return x
    case (.linear(let mixer), .recurrent(let state))
    where mixer.appendStep(to: &steps, norm: norm, state: state, slots: context.batch.slots):
      return x
    default:
      let stream = ResidualStream(steps(x))
      steps = LayerSteps()
      return step(stream, norm: norm, pool, context).value
    }
  }

  /// One token a sequence with norm and residual, `[N, D]` to `[N, D]`.
  func step(
    _ x: ResidualStream, norm: RMSNorm, _ pool: StatePools.Pool, _ context: StepContext
  ) -> ResidualStream {
    switch (self, pool) {
    case (.attention(let attention), .pages(let keys, let values)):
      return attention.step(x, norm: norm, keys: keys, values: values, context)
    case (.attention(let attention), .ring(let keys, let values)):
      return attention.step(x, norm: norm, keys: keys, values: values, context)
    case (.linear(let mixer), .recurrent(let state)):
      if let y = mixer.step(x, norm: norm, pool: state, batch: context.batch) { return y }
      let slots = context.batch.slots
      var own: RecurrentState? = RecurrentState(
        memory: state.memory.rows(slots), window: state.window.rows(slots))
      let y = mixer(x.normalized(norm).unsqueezed(1), state: &own, context.forward).squeezed(1)
      if let own {
        let rows = slots.to(.int64)
        state.memory.assign(own.memory, at: [rows])
        state.window.assign(own.window, at: [rows])
      }
      return x.adding(y)
    default: preconditionFailure("the pools were made for another model")
    }
  }
}
