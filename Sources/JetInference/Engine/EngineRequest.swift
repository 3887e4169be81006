/// What an ``Engine`` is asked to generate.
public struct EngineRequest: Codable, Hashable, Sendable {
  /// The prompt's tokens, at least one.
  public var prompt: [Int]
  /// When to end and how to choose.
  public var options: GenerationOptions

  /// Creates a request.
  public init(prompt: [Int], options: GenerationOptions) {
    self.prompt = prompt
    self.options = options
  }

  /// The positions that it can reach.
  func positions(_ capacity: EngineCapacity) -> Int {
    let (sum, overflow) = prompt.count.addingReportingOverflow(options.maximumTokens)
    return overflow ? capacity.maximumPositions : min(sum, capacity.maximumPositions)
  }

  /// Refuses what the runner can never carry out.
  ///
  /// - Throws: ``GenerationError``, ``SamplingError`` or ``EngineError/neverFits(tokens:pages:available:)``.
  func validate(_ capacity: EngineCapacity) throws {
    try options.validate(
      prompt: prompt, maximumPositions: capacity.maximumPositions,
      vocabularySize: capacity.vocabularySize)
    _ = try Sampler(options: options.sampling, vocabularySize: capacity.vocabularySize)
    let positions = self.positions(capacity)
    let pages = capacity.pages(for: positions)
    guard pages <= capacity.pages else {
      throw EngineError.neverFits(tokens: positions, pages: pages, available: capacity.pages)
    }
  }
}

/// A request of one engine.
public struct RequestID: Hashable, Sendable {
  let number: Int
}

/// What comes of a request: its tokens, then its end.
public enum EngineOutput: Hashable, Sendable {
  /// The next token; a stop token is none.
  case token(Int)
  /// Nothing more comes.
  case finished(EngineSummary)
}

/// How a request ended, and how long it took.
public struct EngineSummary: Hashable, Sendable {
  /// Why it ended; ``FinishReason/stoppedByCaller`` where it was cancelled, at any time.
  public var finishReason: FinishReason
  /// How many tokens the prompt has.
  public var promptTokens: Int
  /// How many of them were not read, for an earlier prompt began with them.
  public var reusedTokens = 0
  /// How many tokens were given out.
  public var generatedTokens: Int
  /// From the request until it had a slot, or ended without one.
  public var queuedSeconds: Double
  /// From there until the first token was chosen; nil where none was.
  public var promptSeconds: Double?
  /// From the first token to the end; nil where there was none.
  public var generateSeconds: Double?

  /// From the request to the first token.
  public var firstTokenSeconds: Double? { promptSeconds.map { queuedSeconds + $0 } }

  /// Tokens after the first, with a stop token, in a second; nil where there were none.
  public var tokensPerSecond: Double? {
    var steps = generatedTokens - 1
    if case .stopToken = finishReason { steps += 1 }
    guard let generateSeconds, steps > 0, generateSeconds > 0 else { return nil }
    return Double(steps) / generateSeconds
  }
}

/// How busy an ``Engine`` is.
public struct EngineStatistics: Hashable, Sendable {
  /// How many requests have a slot.
  public var running = 0
  /// How many requests wait for one.
  public var waiting = 0
  /// How many pages are taken, those of kept states included.
  public var pagesUsed = 0
  /// How many tokens of prompts were read so far.
  public var promptTokens = 0
  /// How many tokens of prompts were not read so far, for earlier prompts began with them.
  public var reusedTokens = 0
  /// How many states of prompts are kept.
  public var keptStates = 0
  /// How many tokens were chosen so far.
  public var generatedTokens = 0
  /// How many steps were finished so far.
  public var steps = 0
  /// For how long there was anything to do so far.
  public var busySeconds = 0.0

  /// Tokens chosen in a busy second; nil before the first.
  public var tokensPerSecond: Double? {
    busySeconds > 0 ? Double(generatedTokens) / busySeconds : nil
  }
}
