import JetKernels
public import JetTensor

extension HybridModel {
  /// Reads pieces of prompts into the pools.
  ///
  /// What works on each token alone runs over all pieces together; mixers run piece by piece.
  ///
  /// - Parameters:
  ///   - pieces: of different slots, one at least.
  ///   - pools: changed in place.
  /// - Returns: the output of the last layer for the last token of each piece, `[pieces, D]`, before the last norm.
  public func read(_ pieces: [PooledPiece], pools: StatePools) -> Tensor {
    let device = embedding.device
    let counts = pieces.map(\.tokens.count)
    let contexts = pieces.map { piece in
      ForwardContext(
        start: piece.start, length: piece.tokens.count, device: device,
        rotary: configuration.rotary)
    }
    let tokens = Tensor(pieces.flatMap(\.tokens)).uploaded(to: device)
    var x = embedding.embedded(tokens).unsqueezed(0)  // [1, ΣT, D]
    for (layer, pool) in zip(layers, pools.layers) {
      let normalized = layer.mixerNorm(x)
      let parts = pieces.count == 1 ? [normalized] : normalized.split(counts, dim: 1)
      let mixed = pieces.indices.map {
        layer.mixer.read(parts[$0], pool, pieces[$0], contexts[$0])
      }
      let (residual, second) = addingRMSNorm(
        x, mixed.count == 1 ? mixed[0] : Tensor.concatenate(mixed, dim: 1),
        weight: layer.mlpNorm.weight, eps: layer.mlpNorm.eps)
      x = residual + layer.mlp(second)
    }
    var end = 0
    let last = counts.map { count -> Tensor in
      end += count
      return x.select(0, dim: 0).slice(end - 1..<end, dim: 0)
    }
    return last.count == 1 ? last[0] : Tensor.concatenate(last, dim: 0)
  }
}

extension Mixer {
  /// A piece of one sequence, `[1, T, D]` to `[1, T, D]`; its state in the pool is moved on.
  func read(
    _ x: Tensor, _ pool: StatePools.Pool, _ piece: PooledPiece, _ context: ForwardContext
  ) -> Tensor {
    switch (self, pool) {
    case (.attention(let attention), .pages(let keys, let values)):
      return attention.read(x, keys: keys, values: values, pages: piece.pages, context)
    case (.attention(let attention), .ring(let keys, let values)):
      // A slot's ring is a state of its own, written in place.
      let own = piece.slot..<piece.slot + 1
      var state: AttentionState? = AttentionState(
        ring: keys.slice(own, dim: 0), values: values.slice(own, dim: 0))
      return attention(x, state: &state, context)
    case (.linear(let mixer), .recurrent(let state)):
      let own = piece.slot..<piece.slot + 1
      let before = RecurrentState(
        memory: state.memory.slice(own, dim: 0), window: state.window.slice(own, dim: 0))
      var after: RecurrentState? = before
      let y = mixer(x, state: &after, context)
      if let after {
        before.memory.assign(after.memory)
        before.window.assign(after.window)
      }
      return y
    default: preconditionFailure("the pools were made for another model")
    }
  }
}
