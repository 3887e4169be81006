import JetKernels
public import JetTensor

extension HybridModel {
  /// Reads pieces of prompts into the pools.
  ///
  /// What works on each token alone runs over all pieces together: norms, MLPs and, for the pieces of a ``PieceGroup``,
  /// the projections of mixers too. What mixes tokens runs over a group's pieces as one padded batch.
  ///
  /// - Parameters:
  ///   - pieces: of different slots, one at least.
  ///   - pools: changed in place.
  /// - Returns: the output of the last layer for the last token of each piece, `[pieces, D]`, before the last norm.
  public func read(_ pieces: [PooledPiece], pools: StatePools) -> Tensor {
    let device = embedding.device
    let order = PieceGroup.grouped(pieces)
    let groups = order.map { indices in
      PieceGroup(
        indices.map { pieces[$0] }, pageTokens: pools.sizes.pageTokens, device: device,
        rotary: configuration.rotary)
    }
    let counts = groups.map { $0.context.counts.reduce(0, +) }
    let tokens = Tensor(groups.flatMap { $0.pieces.flatMap(\.tokens) }).uploaded(to: device)
    var stream = ResidualStream(embedding.embedded(tokens).unsqueezed(0))  // [1, ΣT, D]
    for (layer, pool) in zip(layers, pools.layers) {
      let normalized = stream.normalized(layer.mixerNorm)
      let parts = groups.count == 1 ? [normalized] : normalized.split(counts, dim: 1)
      let mixed = zip(groups, parts).map { layer.mixer.read($1, pool, $0) }
      stream = stream.adding(mixed.count == 1 ? mixed[0] : Tensor.concatenate(mixed, dim: 1))
      stream = stream.adding(layer.mlp(stream.normalized(layer.mlpNorm)))
    }
    var (ends, end) = (pieces.map { _ in 0 }, 0)
    for index in order.joined() {
      end += pieces[index].tokens.count
      ends[index] = end
    }
    let rows = stream.value.select(0, dim: 0)
    if ends.count == 1 { return rows.slice(end - 1..<end, dim: 0) }
    return rows.rows(Tensor(ends.map { $0 - 1 }).uploaded(to: device))
  }
}

extension Mixer {
  /// Pieces of some sequences, packed rows `[1, ΣT, D]` to the same; their states in the pool are moved on.
  func read(_ x: Tensor, _ pool: StatePools.Pool, _ group: PieceGroup) -> Tensor {
    switch (self, pool) {
    case (.attention(let attention), .pages(let keys, let values)),
      (.attention(let attention), .ring(let keys, let values)):
      return attention.read(x, keys: keys, values: values, group)
    case (.linear(let mixer), .recurrent(let pool)):
      let slots = group.pieces.map(\.slot)
      // The state of one sequence is written where it lies, those of several in copies of their rows.
      let own = slots.count == 1 ? slots[0]..<slots[0] + 1 : nil
      func rows(_ x: Tensor) -> Tensor { own.map { x.slice($0, dim: 0) } ?? x.rows(group.slots) }
      let before = RecurrentState(memory: rows(pool.memory), window: rows(pool.window))
      var state: RecurrentState? = before
      let y = mixer(x, state: &state, group.context)
      guard let after = state else { return y }
      if own != nil {
        before.memory.assign(after.memory)
        before.window.assign(after.window)
      } else {
        let places = group.slots.to(.int64)
        pool.memory.assign(after.memory, at: [places])
        pool.window.assign(after.window, at: [places])
      }
      return y
    default: preconditionFailure("the pools were made for another model")
    }
  }
}
