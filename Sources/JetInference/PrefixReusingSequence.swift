/// A sequence that reads a prompt only from where it leaves what was read before.
///
/// A conversation sends the whole text each turn; a prompt that begins with all tokens read so far
/// costs only its rest. Any other prompt is read from the start, for a recurrent state cannot go
/// back.
public final class PrefixReusingSequence: SequenceModel {
  /// The tokens that the state holds.
  public private(set) var tokens: [Int] = []
  /// How many tokens of the last prompt were held already.
  public private(set) var reusedTokens = 0
  private let base: any SequenceModel
  private var logits: [Float] = []

  /// Wraps a model; whatever it has read is forgotten at the first prompt.
  public init(_ base: any SequenceModel) { self.base = base }

  /// How many tokens there are.
  public var vocabularySize: Int { base.vocabularySize }
  /// How many tokens, prompt and generated, the state can hold.
  public var maximumPositions: Int { base.maximumPositions }

  /// Reads what of a prompt was not read yet and returns the logits after its last token.
  public func prefill(_ prompt: [Int], isCancelled: () -> Bool) throws -> [Float] {
    guard !tokens.isEmpty, prompt.starts(with: tokens) else {
      reusedTokens = 0
      return try reading(prompt, restarting: true) {
        try base.prefill(prompt, isCancelled: isCancelled)
      }
    }
    reusedTokens = tokens.count
    let rest = Array(prompt.dropFirst(tokens.count))
    return rest.isEmpty ? logits : try extend(rest, isCancelled: isCancelled)
  }

  /// Reads more tokens and returns the logits after the last of them.
  public func extend(_ more: [Int], isCancelled: () -> Bool) throws -> [Float] {
    try reading(more, restarting: false) { try base.extend(more, isCancelled: isCancelled) }
  }

  /// Reads one more token and returns the logits after it.
  public func step(_ token: Int) throws -> [Float] {
    try reading([token], restarting: false) { try base.step(token) }
  }

  /// Returns a sequence of the same weights that has read the same.
  public func copy() throws -> any SequenceModel {
    let copy = PrefixReusingSequence(try base.copy())
    copy.tokens = tokens
    copy.logits = logits
    return copy
  }

  /// After an error the state is unknown, so nothing of it counts as read.
  private func reading(
    _ more: [Int], restarting: Bool, _ body: () throws -> [Float]
  ) throws -> [Float] {
    var read = restarting ? [] : tokens
    tokens = []
    logits = try body()
    read += more
    tokens = read
    return logits
  }
}
