import JetInference

/// A prompt of several, ready for the engine.
struct BatchPrompt: Encodable, Equatable {
  /// Its place among the prompts, from 0.
  let index: Int
  let id: PromptLine.Name?
  let request: EngineRequest

  /// Turns lines into requests; the seed goes up by one from line to line.
  ///
  /// - Throws: ``CommandError`` for the first line that the model cannot follow.
  static func all(
    _ lines: [PromptLine], options: GenerationOptions, maximumPositions: Int, vocabularySize: Int,
    encode: (String) throws -> [Int]
  ) throws -> [BatchPrompt] {
    try lines.enumerated().map { index, line in
      do {
        var own = options
        own.maximumTokens = line.maxTokens ?? options.maximumTokens
        own.sampling.temperature = line.temperature ?? options.sampling.temperature
        own.sampling.seed = line.seed ?? options.sampling.seed &+ UInt64(index)
        let tokens = try encode(line.prompt)
        try own.validate(
          prompt: tokens, maximumPositions: maximumPositions, vocabularySize: vocabularySize)
        // It refuses what is out of range.
        _ = try Sampler(options: own.sampling, vocabularySize: vocabularySize)
        return BatchPrompt(
          index: index, id: line.id, request: EngineRequest(prompt: tokens, options: own))
      } catch {
        throw CommandError("\(line.place): \(error)")
      }
    }
  }

  /// The positions that it can reach, but for those that the model does not have.
  var positions: Int {
    let (sum, overflow) = request.prompt.count.addingReportingOverflow(
      request.options.maximumTokens)
    return overflow ? .max : sum
  }
}

/// A generated text of several, for programs.
struct BatchReport: Encodable, Equatable {
  let index: Int
  let id: PromptLine.Name?
  let seed: UInt64
  let text: String
  let tokens: [Int]
  let promptTokens: Int
  /// Nil where there is an error.
  var finishReason: GeneratedText.Reason?
  /// What ended this text and no other.
  var error: String?
  /// Tokens of the prompt that an earlier one had begun with.
  var reusedTokens: Int?
  var queuedSeconds: Double?
  var promptSeconds: Double?
  var firstTokenSeconds: Double?
  var generateSeconds: Double?
  var tokensPerSecond: Double?
}
