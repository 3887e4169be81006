/// When generation ends and how tokens are chosen.
public struct GenerationOptions: Codable, Hashable, Sendable {
  /// The most tokens to generate; 0 generates none.
  public var maximumTokens: Int
  /// How tokens are chosen.
  public var sampling: SamplingOptions
  /// The tokens that end the sequence.
  public var stopTokens: Set<Int>
  /// Treats stop tokens as any other.
  public var ignoresStopTokens: Bool

  /// Creates options.
  public init(
    maximumTokens: Int, sampling: SamplingOptions = SamplingOptions(), stopTokens: Set<Int> = [],
    ignoresStopTokens: Bool = false
  ) {
    self.maximumTokens = maximumTokens
    self.sampling = sampling
    self.stopTokens = stopTokens
    self.ignoresStopTokens = ignoresStopTokens
  }
}

/// What the caller wants after a token.
public enum GenerationControl: Hashable, Sendable {
  /// Generate the next one.
  case proceed
  /// End here.
  case stop
}

/// Why generation ended.
public enum FinishReason: Hashable, Sendable {
  /// The model chose this stop token.
  case stopToken(Int)
  /// The number of tokens asked for was reached.
  case length
  /// The state has no place for the last token, so nothing can follow it.
  case contextFull
  /// The caller said stop or was cancelled after the prompt was read.
  case stoppedByCaller
}

/// What was generated, and how long it took.
public struct GenerationResult: Hashable, Sendable {
  /// The generated tokens, without the stop token.
  public var tokens: [Int]
  /// Why generation ended.
  public var finishReason: FinishReason
  /// How many tokens the prompt has.
  public var promptTokens: Int
  /// The time to read the prompt.
  public var prefillSeconds: Double
  /// The time from there to the end, with the caller's own work.
  public var generateSeconds: Double

  /// How many times the model was run for a single token: the last token of a full length is chosen
  /// but not read.
  public var steps: Int {
    switch finishReason {
    case .stopToken: tokens.count
    case .length, .contextFull, .stoppedByCaller: max(0, tokens.count - 1)
    }
  }

  /// Tokens of the prompt read in a second; nil where that took no time.
  public var promptTokensPerSecond: Double? {
    prefillSeconds > 0 ? Double(promptTokens) / prefillSeconds : nil
  }

  /// Steps in a second; nil where there were none.
  public var tokensPerSecond: Double? {
    steps > 0 && generateSeconds > 0 ? Double(steps) / generateSeconds : nil
  }
}

/// Why generation could not start.
public enum GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The prompt has no tokens.
  case emptyPrompt
  /// A token of the prompt is not in the vocabulary.
  case tokenOutOfRange(token: Int, vocabularySize: Int)
  /// A stop token is not in the vocabulary.
  case stopTokenOutOfRange(token: Int, vocabularySize: Int)
  /// The prompt has more tokens than the model has positions.
  case promptTooLong(count: Int, maximumPositions: Int)
  /// The number of tokens to generate is negative.
  case invalidMaximumTokens(Int)

  /// One sentence: what was found, what was expected and what to do.
  public var description: String {
    switch self {
    case .emptyPrompt:
      "The prompt has no tokens; give at least one, such as the beginning-of-text token."
    case .tokenOutOfRange(let token, let size):
      "The prompt has the token \(token), which is not in the vocabulary of \(size) tokens; "
        + "use the tokenizer of this model."
    case .stopTokenOutOfRange(let token, let size):
      "The stop token \(token) is not in the vocabulary of \(size) tokens; "
        + "use the tokenizer of this model."
    case .promptTooLong(let count, let maximum):
      "The prompt has \(count) tokens and the model \(maximum) positions; shorten the prompt."
    case .invalidMaximumTokens(let count):
      "The most tokens to generate is \(count); give 0 or more."
    }
  }
}
