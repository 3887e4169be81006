/// A language model holding the state of one sequence.
public protocol SequenceModel: AnyObject {
  /// How many tokens there are; ids run from 0 to one less.
  var vocabularySize: Int { get }
  /// How many tokens, prompt and generated, the state can hold.
  var maximumPositions: Int { get }

  /// Forgets what was read, reads a prompt and returns the logits after its last token.
  ///
  /// - Parameters:
  ///   - prompt: at least one token, at most ``maximumPositions``.
  ///   - isCancelled: asked between pieces of a long prompt.
  /// - Returns: ``vocabularySize`` logits.
  /// - Throws: `CancellationError` when `isCancelled` returns true; the model's own errors.
  func prefill(_ prompt: [Int], isCancelled: () -> Bool) throws -> [Float]

  /// Reads more tokens after those already read and returns the logits after the last of them.
  ///
  /// After an error the state is unknown until the next ``prefill(_:isCancelled:)``.
  ///
  /// - Parameters:
  ///   - tokens: at least one token, with those already read at most ``maximumPositions``.
  ///   - isCancelled: asked between pieces of many tokens.
  /// - Returns: ``vocabularySize`` logits.
  /// - Throws: `CancellationError` when `isCancelled` returns true; the model's own errors.
  func extend(_ tokens: [Int], isCancelled: () -> Bool) throws -> [Float]

  /// Reads one more token and returns the logits after it.
  ///
  /// - Parameter token: an id below ``vocabularySize``.
  /// - Returns: ``vocabularySize`` logits.
  /// - Throws: the model's own errors.
  func step(_ token: Int) throws -> [Float]

  /// Returns a model of the same weights whose state goes its own way from here.
  ///
  /// - Throws: the model's own errors, such as too little memory for the state.
  func copy() throws -> any SequenceModel
}

extension SequenceModel {
  /// Reads the tokens one by one.
  public func extend(_ tokens: [Int], isCancelled: () -> Bool) throws -> [Float] {
    precondition(!tokens.isEmpty, "extend without tokens")
    var logits: [Float] = []
    for token in tokens {
      if isCancelled() { throw CancellationError() }
      logits = try step(token)
    }
    return logits
  }
}
