import JetKernels
public import JetModels
import JetTensor

/// Runs an ``Engine``'s steps on a GPU: decode steps are recorded once for each size of a batch and then repeated, and the
/// GPU chooses the tokens, so that it never waits for the host.
///
/// What a sequence's next step needs lies on the device by slot: its last token, its position, its pages and how its tokens
/// are chosen. A step is told its slots and nothing else. Sequences with penalties or biases, which need all earlier
/// tokens, are chosen for by the host, and a step with one of them waits for it.
public final class GraphRunner: MeasurableRunner {
  /// The model whose weights are used.
  public let model: HybridModel
  /// How much fits.
  public let capacity: EngineCapacity
  /// While one step is on its way, the next one is prepared.
  public let depth = 2
  /// What the sequences carry.
  public let pools: StatePools

  private let table: SlotTable
  private let recordsGraphs: Bool
  private var graphs: [Int: DecodeGraph] = [:]
  private var sequences: [Int: GraphSequence] = [:]
  private var kept = KeptStates()
  private var started: [StartedStep] = []

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
    let capacity = try EngineCapacity(
      model, sizes, maximumPositions: maximumPositions, exceedsModel: exceedsModel)
    self.capacity = capacity
    pools = try StatePools(model, sizes: sizes)
    table = try withTorchErrors {
      SlotTable(
        slots: sizes.slots,
        pages: min(sizes.pages, sizes.pages(for: capacity.maximumPositions)),
        device: model.embedding.device)
    }
    recordsGraphs = CUDAKernels.isLoaded && !model.stepsNeedHost
  }

  /// Begins a sequence with an empty state or a kept one.
  public func open(
    slot: Int, pages: [Int], sampling: SamplingOptions, prompt: [Int], state: Int?
  ) throws {
    let own = try GraphSequence(
      pages: pages, sampling: sampling, prompt: prompt, vocabularySize: capacity.vocabularySize)
    try withTorchErrors {
      try withoutGradients {
        try kept.begin(state, slot: slot, in: pools)
        table.open(slot: slot, pages: pages, sampling: sampling)
      }
    }
    sequences[slot] = own
  }

  /// Forgets the sequence of a slot.
  public func close(slot: Int) { sequences[slot] = nil }

  /// Frees a kept state.
  public func forget(state: Int) { kept.forget(state) }

  /// Gives a step to the device.
  public func start(_ step: EngineStep) throws {
    var parts: [StartedStep.Part] = []
    try withTorchErrors {
      try withoutGradients {
        if !step.pieces.isEmpty, let part = try read(step.pieces) { parts.append(part) }
        if !step.decoding.isEmpty { parts.append(try decode(step.decoding)) }
      }
    }
    started.append(StartedStep(parts: parts))
  }

  /// Waits for the oldest step.
  public func finish() throws -> [SlotToken] {
    guard !started.isEmpty else {
      throw EngineError.brokenRunner("a step was to be finished that was not started")
    }
    return try started.removeFirst().wait()
  }

  /// Makes all open sequences stand at a position.
  public func pretend(depth: Int) throws {
    let slots = sequences.keys.sorted()
    for slot in slots { sequences[slot]?.length = depth }
    try withTorchErrors {
      withoutGradients {
        pools.fillRandomly(seed: 1)
        table.setPositions(
          of: SlotTable.indices(slots, model.embedding.device),
          to: slots.map { _ in depth })
      }
    }
  }

  // MARK: Prompts

  private func read(_ pieces: [PromptPiece]) throws -> StartedStep.Part? {
    let own = try pieces.map { piece in
      PooledPiece(
        tokens: piece.tokens, slot: piece.slot, start: piece.start,
        pages: try sequence(piece.slot).pages)
    }
    let hidden = model.read(own, pools: pools)
    kept.keep(after: pieces, in: pools)
    let last = pieces.indices.filter { pieces[$0].isLast }
    guard !last.isEmpty else { return nil }
    for index in last {
      sequences[pieces[index].slot]?.length = pieces[index].start + pieces[index].tokens.count
    }
    let slots = last.map { pieces[$0].slot }
    let places = SlotTable.indices(slots, hidden.device)
    table.setPositions(of: places, to: try slots.map { try sequence($0).length })
    let rows =
      last.count == pieces.count
      ? hidden : hidden.rows(Tensor(last).uploaded(to: hidden.device))
    return try choose(slots, places, model.stepLogits(rows))
  }

  // MARK: Decoding

  private func decode(_ slots: [Int]) throws -> StartedStep.Part {
    defer { for slot in slots { sequences[slot]?.length += 1 } }
    let needsHost = slots.contains { sequences[$0]?.sampler != nil }
    guard recordsGraphs, !needsHost else { return try decodeOnce(slots) }
    let size = DecodeGraph.size(for: slots.count, most: capacity.maximumBatch)
    let graph = try graphs[size] ?? record(size)
    graphs[size] = graph
    return StartedStep.Part(slots: slots, ids: graph.run(slots))
  }

  private func record(_ size: Int) throws -> DecodeGraph {
    try DecodeGraph(size: size, device: model.embedding.device) { [self] slots in
      let columns = table.columns(slots)
      let hidden = model.step(table.step(slots, columns), pools: pools)
      return table.choose(slots, columns, model.stepLogits(hidden), advances: true)
    }
  }

  /// The same without a graph; for models that cannot be recorded, and for sequences that the host chooses for.
  private func decodeOnce(_ slots: [Int]) throws -> StartedStep.Part {
    let places = SlotTable.indices(slots, model.embedding.device)
    var step = table.step(places, table.columns(places))
    step.knownPositions = try slots.map { try sequence($0).length }
    let logits = model.stepLogits(model.step(step, pools: pools))
    table.setPositions(of: places, to: (step.knownPositions ?? []).map { $0 + 1 })
    return try choose(slots, places, logits)
  }

  /// Tokens chosen on the device, but for those sequences whose history counts.
  private func choose(
    _ slots: [Int], _ places: Tensor, _ logits: Tensor
  ) throws -> StartedStep.Part {
    let ids = table.choose(places, table.columns(places), logits, advances: false)
    var part = StartedStep.Part(slots: slots, ids: ids)
    for (row, slot) in slots.enumerated() where sequences[slot]?.sampler != nil {
      var numbers: [Float] = logits.select(row, dim: 0).array()
      do {
        let token = try sequences[slot]?.choose(&numbers) ?? 0
        table.setToken(of: slot, to: token)
        part.own[slot] = .success(token)
      } catch {
        part.own[slot] = .failure(error)
      }
    }
    return part
  }

  private func sequence(_ slot: Int) throws -> GraphSequence {
    guard let own = sequences[slot] else {
      throw EngineError.brokenRunner("slot \(slot) has no sequence")
    }
    return own
  }
}

/// Why a sequence on a GPU ended early.
public enum RunnerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A logit is NaN or infinite, or all are -inf.
  case noUsableLogits

  /// One sentence: what was found and what to do.
  public var description: String {
    "No token can be chosen, for a logit is NaN or infinite or all are excluded; check the weights, or "
      + "run in float32."
  }
}

/// What the host knows of a sequence.
private struct GraphSequence {
  let pages: [Int]
  /// Positions that are in the state.
  var length = 0
  /// Only where earlier tokens count.
  private(set) var sampler: Sampler?
  private var history: TokenHistory

  init(pages: [Int], sampling: SamplingOptions, prompt: [Int], vocabularySize: Int) throws {
    self.pages = pages
    history = TokenHistory(prompt: prompt)
    let own = try Sampler(options: sampling, vocabularySize: vocabularySize)
    sampler = sampling.needsHistory ? own : nil
  }

  mutating func choose(_ logits: inout [Float]) throws -> Int? {
    let history = history
    let token = try logits.withUnsafeMutableBufferPointer { buffer throws(SamplingError) in
      try sampler?.sample(buffer, history: history).token
    }
    if let token { self.history.append(token) }
    return token
  }
}

/// A step that is on its way.
private struct StartedStep {
  /// Tokens that come from the device together.
  struct Part {
    let slots: [Int]
    private let download: PendingTensor
    /// What the host chose.
    var own: [Int: Result<Int, any Error>] = [:]

    /// - Parameter ids: int64, one a slot first.
    init(slots: [Int], ids: Tensor) {
      self.slots = slots
      download = ids.startDownload()
    }

    func wait() -> [SlotToken] {
      let ids: [Int] = download.wait().array()
      return slots.enumerated().map { row, slot in
        switch own[slot] {
        case .success(let token): SlotToken(slot: slot, token: token)
        case .failure(let error): SlotToken(slot: slot, error: error)
        case nil where ids[row] >= 0: SlotToken(slot: slot, token: ids[row])
        case nil: SlotToken(slot: slot, error: RunnerError.noUsableLogits)
        }
      }
    }
  }

  let parts: [Part]

  func wait() throws -> [SlotToken] { try withTorchErrors { parts.flatMap { $0.wait() } } }
}

extension SamplingOptions {
  /// Whether a choice depends on more than the logits of the step.
  fileprivate var needsHistory: Bool {
    repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0 || !logitBias.isEmpty
  }
}
