/// What evaluation needs of a model: three questions, asked of many texts at once.
///
/// A model may answer in any order, so that it can put texts of like length together. It gives each
/// answer to `onResult` as soon as it has it, with the index of the request; what `onResult` throws
/// ends the work and comes out of the call. That is how progress is shown, how answers are kept
/// before all are there, and how the work is interrupted.
public protocol LanguageModel: AnyObject {
  /// Names the weights, the tokenizer and the numbers that the model computes with: equal names mean
  /// equal answers, so answers may be kept under it.
  var identity: String { get }

  /// How likely each continuation is after its context.
  ///
  /// - Throws: what `onResult` throws; the model's own errors.
  func logLikelihoods(
    _ requests: [ContinuationRequest], onResult: (Int, ContinuationScore) throws -> Void) throws

  /// How likely each text is from its beginning, every token once.
  ///
  /// A text longer than the model's window is cut into windows: the first begins with the token that
  /// begins texts, each later one with the last token of the window before.
  ///
  ///     window of 4, text a b c d e f:   [begin] a b c | d    [d] e f
  ///     reads                            begin a b c          d e
  ///     scores                           a b c d              e f
  ///
  /// - Throws: what `onResult` throws; the model's own errors.
  func rollingLogLikelihoods(
    _ texts: [String], onResult: (Int, RollingScore) throws -> Void) throws

  /// The most likely token again and again, until a stop text, a token that ends texts, or the length.
  ///
  /// - Throws: what `onResult` throws; the model's own errors.
  func generate(
    _ requests: [GenerationRequest], onResult: (Int, GeneratedAnswer) throws -> Void) throws
}

/// A context and what may follow it.
public struct ContinuationRequest: Codable, Hashable, Sendable {
  /// What is given; may be empty.
  public var context: String
  /// What is scored; with its leading space, where it has one.
  public var continuation: String

  /// A context and a continuation.
  public init(context: String, continuation: String) {
    self.context = context
    self.continuation = continuation
  }
}

/// How likely a continuation is.
public struct ContinuationScore: Codable, Hashable, Sendable {
  /// The sum of the logarithms of its tokens' probabilities, in nats.
  public var logLikelihood: Double
  /// Whether each of its tokens was the most likely one.
  public var isGreedy: Bool
  /// How many tokens it has.
  public var tokenCount: Int
  /// How many tokens of the context did not fit the model and were left out at its beginning.
  public var droppedTokens: Int

  /// A score with all its values.
  public init(logLikelihood: Double, isGreedy: Bool, tokenCount: Int, droppedTokens: Int = 0) {
    self.logLikelihood = logLikelihood
    self.isGreedy = isGreedy
    self.tokenCount = tokenCount
    self.droppedTokens = droppedTokens
  }
}

/// How likely a whole text is.
public struct RollingScore: Codable, Hashable, Sendable {
  /// A part of the text that was read at once.
  public struct Window: Codable, Hashable, Sendable {
    /// The sum over its tokens, in nats.
    public var logLikelihood: Double
    /// How many tokens were scored.
    public var tokenCount: Int

    /// A window with its sum.
    public init(logLikelihood: Double, tokenCount: Int) {
      self.logLikelihood = logLikelihood
      self.tokenCount = tokenCount
    }
  }

  /// The parts in order.
  public var windows: [Window]

  /// A score of some windows.
  public init(windows: [Window]) { self.windows = windows }

  /// The sum over all tokens, in nats.
  public var logLikelihood: Double { windows.reduce(0) { $0 + $1.logLikelihood } }
  /// How many tokens the text has.
  public var tokenCount: Int { windows.reduce(0) { $0 + $1.tokenCount } }
}

/// A prompt and what ends the answer.
public struct GenerationRequest: Codable, Hashable, Sendable {
  /// What is given.
  public var context: String
  /// Texts that end the answer and are not part of it.
  public var stop: [String]
  /// The most tokens of the answer.
  public var maximumTokens: Int

  /// A prompt with what ends its answer.
  public init(context: String, stop: [String], maximumTokens: Int) {
    self.context = context
    self.stop = stop
    self.maximumTokens = maximumTokens
  }
}

/// An answer that a model wrote.
public struct GeneratedAnswer: Codable, Hashable, Sendable {
  /// The text before what ended it.
  public var text: String
  /// How many tokens of the prompt did not fit the model and were left out at its beginning.
  public var droppedTokens: Int

  /// An answer.
  public init(text: String, droppedTokens: Int = 0) {
    self.text = text
    self.droppedTokens = droppedTokens
  }
}
