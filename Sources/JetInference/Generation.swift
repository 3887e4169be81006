/// Reads a prompt and generates tokens until something ends the sequence.
///
/// A generated token takes a position only when another one follows it, so a prompt that fills the
/// model still gets one token. When the last allowed token also fills the model, the reason is
/// ``FinishReason/length``.
///
/// - Parameters:
///   - model: its state afterwards holds the prompt and all generated tokens but perhaps the last.
///   - prompt: token ids, at least one.
///   - options: when to end and how to choose.
///   - isCancelled: asked while the prompt is read and before each token; by default whether the
///     current task is cancelled.
///   - onToken: receives each token as it is chosen, but no stop token; what it throws ends the
///     generation.
/// - Returns: the tokens, the reason and the times.
/// - Throws: ``GenerationError`` and ``SamplingError``, those of the model and of `onToken`, and
///   `CancellationError` when cancelled before the prompt was read.
public func generate(
  model: any SequenceModel, prompt: [Int], options: GenerationOptions,
  isCancelled: () -> Bool = { Task.isCancelled },
  onToken: (Int) throws -> GenerationControl
) throws -> GenerationResult {
  try options.validate(
    prompt: prompt, maximumPositions: model.maximumPositions, vocabularySize: model.vocabularySize)
  var sampler = try Sampler(options: options.sampling, vocabularySize: model.vocabularySize)
  var result = GenerationResult(
    tokens: [], finishReason: .length, promptTokens: prompt.count, prefillSeconds: 0,
    generateSeconds: 0)
  guard options.maximumTokens > 0 else { return result }

  let clock = ContinuousClock()
  let start = clock.now
  guard !isCancelled() else { throw CancellationError() }
  var logits = try model.prefill(prompt, isCancelled: isCancelled)
  let prefilled = clock.now
  result.prefillSeconds = (prefilled - start).seconds

  var history = TokenHistory(prompt: prompt)
  while true {
    if isCancelled() {
      result.finishReason = .stoppedByCaller
      break
    }
    let token = try logits.withUnsafeMutableBufferPointer { buffer throws(SamplingError) in
      try sampler.sample(buffer, history: history).token
    }
    if !options.ignoresStopTokens, options.stopTokens.contains(token) {
      result.finishReason = .stopToken(token)
      break
    }
    history.append(token)
    if try onToken(token) == .stop {
      result.finishReason = .stoppedByCaller
      break
    }
    if history.generated.count >= options.maximumTokens {
      result.finishReason = .length
      break
    }
    // Without its own place in the state the token cannot be read, so nothing can follow it.
    if history.tokens.count > model.maximumPositions {
      result.finishReason = .contextFull
      break
    }
    logits = try model.step(token)
  }
  result.tokens = Array(history.generated)
  result.generateSeconds = (clock.now - prefilled).seconds
  return result
}

extension Duration {
  /// The same as a number.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
