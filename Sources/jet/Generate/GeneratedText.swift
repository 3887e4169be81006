import JetInference

/// A text that a model wrote, and why it ended.
struct GeneratedText {
  /// Why a text ended, under the name that programs see.
  enum Reason: String, Encodable {
    case endToken = "end_token"
    case stopText = "stop_text"
    case length
    case contextFull = "context_full"
    case interrupted
  }

  /// The text, without end token and stop text.
  let text: String
  /// The tokens, with those of a stop text.
  var result: GenerationResult
  /// Why it ended.
  let reason: Reason

  /// Generates a text, handing out its pieces as they become certain.
  ///
  /// - Throws: what `generate` throws; a cancelled prompt throws `CancellationError`.
  init(
    model: any SequenceModel, prompt: [Int], options: GenerationOptions, stream: TextStream,
    isCancelled: () -> Bool = { Interrupt.isRaised }, onText: (String) throws -> Void
  ) throws {
    var stream = stream
    result = try generate(
      model: model, prompt: prompt, options: options, isCancelled: isCancelled
    ) { token in
      let piece = stream.append(token)
      if !piece.isEmpty { try onText(piece) }
      return stream.isStopped ? .stop : .proceed
    }
    let rest = stream.finish()
    if !rest.isEmpty { try onText(rest) }
    text = stream.text
    reason = Reason(result.finishReason, isStopText: stream.isStopped)
  }

  /// One line for people: how much was read and written, how fast, and why it ended.
  ///
  /// - Parameter readTokens: tokens of the prompt that were not known from before.
  func summary(readTokens: Int) -> String {
    var parts: [String] = []
    if readTokens > 0, result.prefillSeconds > 0 {
      parts.append(
        "prompt \(Numbers.grouped(readTokens)) tokens, "
          + "\(Numbers.short(Double(readTokens) / result.prefillSeconds)) tokens/s")
    }
    var written = "generated \(Numbers.grouped(result.tokens.count)) tokens"
    if let rate = result.tokensPerSecond { written += ", \(Numbers.short(rate)) tokens/s" }
    parts.append(written)
    parts.append(reason.phrase)
    return "[" + parts.joined(separator: "; ") + "]"
  }
}

extension GeneratedText.Reason {
  /// - Parameter isStopText: whether a caller that stopped had found a stop text.
  init(_ reason: FinishReason, isStopText: Bool) {
    self =
      switch reason {
      case .stopToken: .endToken
      case .length: .length
      case .contextFull: .contextFull
      case .stoppedByCaller: isStopText ? .stopText : .interrupted
      }
  }

  /// The reason in words.
  fileprivate var phrase: String {
    switch self {
    case .endToken: "the model ended the text"
    case .stopText: "a stop text was reached"
    case .length: "as many as asked for"
    case .contextFull: "the context is full"
    case .interrupted: "interrupted"
    }
  }
}

/// A generated text for programs.
struct GenerationReport: Encodable {
  let sample: Int
  let text: String
  let tokens: [Int]
  let finishReason: GeneratedText.Reason
  let promptTokens: Int
  let promptSeconds: Double
  let promptTokensPerSecond: Double?
  let generateSeconds: Double
  let tokensPerSecond: Double?
  let seed: UInt64

  init(_ generated: GeneratedText, sample: Int, seed: UInt64) {
    let result = generated.result
    self.sample = sample
    self.seed = seed
    text = generated.text
    tokens = result.tokens
    finishReason = generated.reason
    promptTokens = result.promptTokens
    promptSeconds = result.prefillSeconds
    promptTokensPerSecond = result.promptTokensPerSecond
    generateSeconds = result.generateSeconds
    tokensPerSecond = result.tokensPerSecond
  }
}
