public import JetModels
import JetTensor

/// One sequence of a ``HybridModel``: the model, which others may share, and a state of its own.
///
/// A prompt is read in pieces, so that the memory for activations does not grow with it and reading
/// can be cancelled. Only the last token's logits are computed.
public final class HybridSequence: SequenceModel {
  /// How many tokens a piece of a prompt has.
  ///
  /// Of 128, 256, 512 and 1,024 the fastest for SmolLM2-135M on two (busy) cores; few enough for the
  /// reading of a long prompt to be cancelled soon.
  public static let defaultChunkTokens = 256

  /// The model whose weights are used.
  public let model: HybridModel
  /// How many tokens, prompt and generated, the state can hold.
  public let maximumPositions: Int
  /// How many tokens a piece of a prompt has.
  public let chunkTokens: Int
  private let reservedTokens: Int
  private var state: ModelState

  /// A sequence that has read nothing.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - maximumPositions: a bound below the model's own; the model's own when nil.
  ///   - reservedTokens: tokens for which room is made at the start; past them the state grows by
  ///     copying, which needs more memory for a moment.
  ///   - chunkTokens: how many tokens a piece of a prompt has.
  /// - Throws: ``HybridSequenceError`` for sizes that the model does not have, and what libtorch
  ///   reports when the memory for the state is refused.
  public init(
    _ model: HybridModel, maximumPositions: Int? = nil, reservedTokens: Int = 256,
    chunkTokens: Int = HybridSequence.defaultChunkTokens
  ) throws {
    let available = model.configuration.maximumPositions
    let positions = maximumPositions ?? available
    guard (1...available).contains(positions) else {
      throw HybridSequenceError.contextTooLong(asked: positions, available: available)
    }
    guard chunkTokens >= 1 else { throw HybridSequenceError.invalidChunk(chunkTokens) }
    self.model = model
    self.maximumPositions = positions
    self.chunkTokens = chunkTokens
    let reserved = min(max(1, reservedTokens), positions)
    self.reservedTokens = reserved
    state = try withTorchErrors { model.makeState(capacity: reserved) }
  }

  private init(copying other: HybridSequence) throws {
    model = other.model
    maximumPositions = other.maximumPositions
    chunkTokens = other.chunkTokens
    reservedTokens = other.reservedTokens
    state = try withTorchErrors { other.state.copy() }
  }

  /// How many tokens there are.
  public var vocabularySize: Int { model.configuration.vocabularySize }

  /// How many tokens were read.
  public var tokenCount: Int { state.lengths[0] }

  /// Bytes of the state that a sequence of `tokens` tokens needs, known before it is begun.
  public func stateBytes(tokens: Int) -> Int {
    let bytes = model.configuration.stateBytes(context: tokens, dtype: model.dtype)
    return bytes.growing + bytes.fixed
  }

  /// Forgets what was read, reads a prompt and returns the logits after its last token.
  public func prefill(_ prompt: [Int], isCancelled: () -> Bool) throws -> [Float] {
    let capacity = max(reservedTokens, min(prompt.count + 1, maximumPositions))
    state = try withTorchErrors { model.makeState(capacity: capacity) }
    return try extend(prompt, isCancelled: isCancelled)
  }

  /// Reads more tokens and returns the logits after the last of them.
  public func extend(_ tokens: [Int], isCancelled: () -> Bool) throws -> [Float] {
    precondition(!tokens.isEmpty, "extend without tokens")
    try checkRoom(for: tokens.count)
    for start in stride(from: 0, to: tokens.count, by: chunkTokens) {
      if isCancelled() { throw CancellationError() }
      let end = min(start + chunkTokens, tokens.count)
      let logits = try read(tokens[start..<end], isLast: end == tokens.count)
      if let logits { return logits }
    }
    preconditionFailure("the last piece gives logits")
  }

  /// Reads one more token and returns the logits after it.
  public func step(_ token: Int) throws -> [Float] {
    try checkRoom(for: 1)
    guard let logits = try read([token], isLast: true) else {
      preconditionFailure("the last piece gives logits")
    }
    return logits
  }

  /// Returns a sequence of the same model whose state goes its own way from here.
  public func copy() throws -> any SequenceModel { try HybridSequence(copying: self) }

  private func checkRoom(for count: Int) throws(HybridSequenceError) {
    guard tokenCount + count <= maximumPositions else {
      throw .contextTooLong(asked: tokenCount + count, available: maximumPositions)
    }
  }

  /// The logits after the piece, where they are wanted.
  private func read(_ tokens: ArraySlice<Int>, isLast: Bool) throws -> [Float]? {
    try withTorchErrors {
      withoutGradients {
        let batch = TokenBatch([Array(tokens)], device: model.embedding.device)
        let hidden = model(batch, state: &state)
        return isLast ? model.logits(model.lastTokens(hidden, batch)).array() : nil
      }
    }
  }
}

/// Why a sequence cannot be begun or continued.
public enum HybridSequenceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// More tokens than there are positions.
  case contextTooLong(asked: Int, available: Int)
  /// A piece of less than a token.
  case invalidChunk(Int)

  /// One sentence: what was found, what was expected and what to do.
  public var description: String {
    switch self {
    case .contextTooLong(let asked, let available):
      "A context of \(asked) tokens was asked for, but there are 1 to \(available) positions; "
        + "ask for a context in that range or shorten the text."
    case .invalidChunk(let count):
      "A piece of the prompt has \(count) tokens; give 1 or more."
    }
  }
}
