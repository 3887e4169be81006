/// The plain runner: each slot has a sequence of its own, and they take turns on the calling thread.
///
/// It is what faster runners are compared with: each sequence gets exactly the calls that `generate`
/// would make, but for the cuts of its prompt.
public final class SequenceRunner: EngineRunner {
  /// How much fits.
  public let capacity: EngineCapacity
  /// A step is computed when it is finished.
  public let depth = 1
  private let makeSequence: (Int) throws -> any SequenceModel
  private var sequences: [Int: OpenSequence] = [:]
  private var kept: [Int: any SequenceModel] = [:]
  private var step: EngineStep?

  /// A runner without sequences.
  ///
  /// - Parameters:
  ///   - capacity: pages are only counted, for each sequence holds its own state.
  ///   - makeSequence: makes a sequence that has read nothing, with room for so many tokens.
  public init(
    capacity: EngineCapacity, makeSequence: @escaping (_ tokens: Int) throws -> any SequenceModel
  ) {
    self.capacity = capacity
    self.makeSequence = makeSequence
  }

  /// Makes a sequence, or a copy of a kept one, and its sampler.
  public func open(
    slot: Int, pages: [Int], sampling: SamplingOptions, prompt: [Int], state: Int?
  ) throws {
    precondition(sequences[slot] == nil, "slot \(slot) is open already")
    sequences[slot] = OpenSequence(
      model: try state.map { try copy(of: $0) }
        ?? makeSequence(min(pages.count * capacity.pageTokens, capacity.maximumPositions)),
      sampler: try Sampler(options: sampling, vocabularySize: capacity.vocabularySize),
      history: TokenHistory(prompt: prompt))
  }

  /// Drops a sequence.
  public func close(slot: Int) {
    let closed = sequences.removeValue(forKey: slot)
    precondition(closed != nil, "slot \(slot) is not open")
  }

  /// Drops a kept sequence.
  public func forget(state: Int) { kept[state] = nil }

  /// Keeps the step until it is asked for.
  public func start(_ step: EngineStep) throws {
    precondition(self.step == nil, "a second step was started")
    self.step = step
  }

  /// Computes the step; an error of a sequence stays with it.
  public func finish() throws -> [SlotToken] {
    guard let step else { preconditionFailure("no step was started") }
    self.step = nil
    var tokens: [SlotToken] = []
    for piece in step.pieces {
      let token = attempt(piece.slot) { sequence in
        let token = try sequence.read(piece)
        if let state = piece.state { kept[state] = try sequence.model.copy() }
        return token
      }
      if let token { tokens.append(token) }
    }
    for slot in step.decoding {
      let token = attempt(slot) { try $0.goOn() }
      if let token { tokens.append(token) }
    }
    return tokens
  }

  private func copy(of state: Int) throws -> any SequenceModel {
    guard let model = kept[state] else {
      throw EngineError.brokenRunner("state \(state) is not kept")
    }
    return try model.copy()
  }

  private func attempt(
    _ slot: Int, _ body: (inout OpenSequence) throws -> Int?
  ) -> SlotToken? {
    guard var sequence = sequences.removeValue(forKey: slot) else {
      preconditionFailure("slot \(slot) is not open")
    }
    defer { sequences[slot] = sequence }
    do {
      return try body(&sequence).map { SlotToken(slot: slot, token: $0) }
    } catch {
      return SlotToken(slot: slot, error: error)
    }
  }
}

/// A sequence with how its tokens are chosen.
private struct OpenSequence {
  let model: any SequenceModel
  var sampler: Sampler
  var history: TokenHistory

  /// Reads a piece and returns the token after the last one.
  mutating func read(_ piece: PromptPiece) throws -> Int? {
    let logits =
      try piece.start == 0
      ? model.prefill(piece.tokens) { false } : model.extend(piece.tokens) { false }
    return piece.isLast ? try choose(logits) : nil
  }

  /// Reads the last chosen token and returns the next.
  mutating func goOn() throws -> Int? {
    guard let last = history.generated.last else {
      preconditionFailure("a sequence decodes before its prompt's end")
    }
    return try choose(model.step(last))
  }

  private mutating func choose(_ logits: [Float]) throws -> Int {
    var logits = logits
    let token = try logits.withUnsafeMutableBufferPointer { buffer throws(SamplingError) in
      try sampler.sample(buffer, history: history).token
    }
    history.append(token)
    return token
  }
}
