public import JetModels
import JetTensor

/// Runs an ``Engine``'s steps on a ``HybridModel`` whose states lie in pools; the host chooses the tokens.
///
/// The runner of CPUs, and the one to compare others with: it works on every device.
public final class PooledRunner: MeasurableRunner {
  /// The model whose weights are used.
  public let model: HybridModel
  /// How much fits.
  public let capacity: EngineCapacity
  /// Steps are computed by the calling thread.
  public let depth = 1
  /// What the sequences carry.
  public let pools: StatePools

  private struct Sequence {
    var pages: [Int]
    var sampler: Sampler
    var history: TokenHistory
    /// Positions that are in the state.
    var length: Int
  }

  private var sequences: [Int: Sequence] = [:]
  private var kept = KeptStates()
  private var finished: [[SlotToken]] = []

  /// A runner with pools of its own.
  ///
  /// - Parameters:
  ///   - maximumPositions: a bound below the model's own; the model's own when nil.
  ///   - exceedsModel: whether the bound may be above the model's own, to time steps there.
  /// - Throws: ``HybridSequenceError`` for more positions than the model has; what libtorch reports when memory is
  ///   refused.
  public init(
    _ model: HybridModel, sizes: PoolSizes, maximumPositions: Int? = nil,
    exceedsModel: Bool = false
  ) throws {
    self.model = model
    capacity = try EngineCapacity(
      model, sizes, maximumPositions: maximumPositions, exceedsModel: exceedsModel)
    pools = try StatePools(model, sizes: sizes)
  }

  /// Begins a sequence with an empty state or a kept one.
  public func open(
    slot: Int, pages: [Int], sampling: SamplingOptions, prompt: [Int], state: Int?
  ) throws {
    let sampler = try Sampler(options: sampling, vocabularySize: capacity.vocabularySize)
    try withTorchErrors { try withoutGradients { try kept.begin(state, slot: slot, in: pools) } }
    sequences[slot] = Sequence(
      pages: pages, sampler: sampler, history: TokenHistory(prompt: prompt), length: 0)
  }

  /// Forgets the sequence of a slot.
  public func close(slot: Int) { sequences[slot] = nil }

  /// Frees a kept state.
  public func forget(state: Int) { kept.forget(state) }

  /// Computes a step.
  public func start(_ step: EngineStep) throws {
    var results: [SlotToken] = []
    try withTorchErrors {
      try withoutGradients {
        if !step.pieces.isEmpty { results += try read(step.pieces) }
        if !step.decoding.isEmpty { results += try decode(step.decoding) }
      }
    }
    finished.append(results)
  }

  /// What the oldest step gave.
  public func finish() throws -> [SlotToken] {
    guard !finished.isEmpty else {
      throw EngineError.brokenRunner("a step was to be finished that was not started")
    }
    return finished.removeFirst()
  }

  /// Makes all open sequences stand at a position.
  public func pretend(depth: Int) throws {
    try withTorchErrors { withoutGradients { pools.fillRandomly(seed: 1) } }
    for slot in sequences.keys { sequences[slot]?.length = depth }
  }

  private func read(_ pieces: [PromptPiece]) throws -> [SlotToken] {
    let own = try pieces.map { piece in
      PooledPiece(
        tokens: piece.tokens, slot: piece.slot, start: piece.start,
        pages: try sequence(piece.slot).pages)
    }
    let hidden = model.read(own, pools: pools)
    kept.keep(after: pieces, in: pools)
    for piece in pieces { sequences[piece.slot]?.length = piece.start + piece.tokens.count }
    let last = pieces.indices.filter { pieces[$0].isLast }
    guard !last.isEmpty else { return [] }
    let rows = last.count == pieces.count ? hidden : hidden.rows(Tensor(last).to(hidden.device))
    return try choose(for: last.map { pieces[$0].slot }, model.stepLogits(rows))
  }

  private func decode(_ slots: [Int]) throws -> [SlotToken] {
    let own = try slots.map(sequence)
    let hidden = model.step(
      PooledStep(
        tokens: own.map { $0.history.tokens.last ?? 0 }, slots: slots,
        positions: own.map(\.length), pages: own.map(\.pages), device: model.embedding.device),
      pools: pools)
    for slot in slots { sequences[slot]?.length += 1 }
    return try choose(for: slots, model.stepLogits(hidden))
  }

  /// The next token of each slot from its row of float32 logits.
  private func choose(for slots: [Int], _ logits: Tensor) throws -> [SlotToken] {
    let size = capacity.vocabularySize
    var all: [Float] = logits.array()
    return try slots.enumerated().map { row, slot in
      var own = try sequence(slot)
      defer { sequences[slot] = own }
      do {
        let token = try all.withUnsafeMutableBufferPointer { buffer throws(SamplingError) in
          let part = UnsafeMutableBufferPointer(rebasing: buffer[row * size..<(row + 1) * size])
          return try own.sampler.sample(part, history: own.history).token
        }
        own.history.append(token)
        return SlotToken(slot: slot, token: token)
      } catch {
        return SlotToken(slot: slot, error: error)
      }
    }
  }

  private func sequence(_ slot: Int) throws -> Sequence {
    guard let own = sequences[slot] else {
      throw EngineError.brokenRunner("slot \(slot) has no sequence")
    }
    return own
  }
}

extension EngineCapacity {
  /// What fits pools of a model.
  init(
    _ model: HybridModel, _ sizes: PoolSizes, maximumPositions: Int?, exceedsModel: Bool
  ) throws {
    let available = model.configuration.maximumPositions
    let positions = maximumPositions ?? available
    guard positions >= 1, exceedsModel || positions <= available else {
      throw HybridSequenceError.contextTooLong(asked: positions, available: available)
    }
    self.init(
      slots: sizes.slots, pages: sizes.pages, pageTokens: sizes.pageTokens,
      maximumPositions: positions, vocabularySize: model.configuration.vocabularySize,
      maximumBatch: sizes.slots,
      stateBytes: model.configuration.poolBytes(pageTokens: 1, dtype: model.dtype).slot)
  }
}
