import JetInference

/// Goes on with several prompts at once, all of a file or those that are left.
struct BatchRun {
  /// What came of all prompts.
  struct Totals: Equatable {
    /// Prompts that ended with an error.
    var failed = 0
    /// Prompts that ended with a text.
    var finished = 0
    var generatedTokens = 0
    var isInterrupted = false
  }

  let prompts: [BatchPrompt]
  /// A stream at its start, with the stop texts.
  let stream: TextStream
  /// Whether results come in the order of the prompts.
  let isOrdered: Bool

  /// Runs all prompts.
  ///
  /// - Parameters:
  ///   - engine: it is shut down on an interrupt.
  ///   - onReport: receives each result; after an interrupt those of the prompts that had ended.
  ///   - onProgress: receives how many prompts have ended.
  func run(
    _ engine: Engine, isCancelled: () -> Bool = { Interrupt.isRaised },
    onProgress: (Int) -> Void = { _ in }, onReport: (BatchReport) throws -> Void
  ) throws -> Totals {
    let outputs = Mailbox<Output>()
    let ids = prompts.enumerated().map { place, prompt in
      engine.submit(prompt.request) { result in
        outputs.post(Output(place: place, result: result))
      }
    }
    var texts = prompts.map { _ in PartialText(stream: stream) }
    var totals = Totals()
    var order = OrderedReports(isOrdered: isOrdered)
    var left = prompts.count
    while left > 0 {
      if isCancelled(), !totals.isInterrupted {
        totals.isInterrupted = true
        engine.shutdownAndWait(cancelling: true)
      }
      for output in outputs.take(timeoutSeconds: 0.1) {
        let (prompt, place) = (prompts[output.place], output.place)
        let end: Result<EngineSummary, any Error>
        switch output.result {
        case .success(.token(let token)):
          if texts[place].append(token) { engine.cancel(ids[place]) }
          continue
        case .success(.finished(let summary)): end = .success(summary)
        case .failure(let error): end = .failure(error)
        }
        left -= 1
        let report = texts[place].report(prompt, end)
        if report.finishReason == .interrupted { continue }
        if report.error == nil { totals.finished += 1 } else { totals.failed += 1 }
        totals.generatedTokens += report.tokens.count
        try order.add(report, place, onReport)
        onProgress(prompts.count - left)
      }
    }
    try order.finish(onReport)
    return totals
  }

  private struct Output: Sendable {
    /// Of the prompt in ``prompts``.
    let place: Int
    let result: Result<EngineOutput, any Error>
  }
}

/// A text as far as it has come.
private struct PartialText {
  var stream: TextStream
  private var tokens: [Int] = []

  init(stream: TextStream) { self.stream = stream }

  /// Takes a token, but none after a stop text.
  ///
  /// - Returns: whether a stop text ends with it.
  mutating func append(_ token: Int) -> Bool {
    guard !stream.isStopped else { return false }
    tokens.append(token)
    _ = stream.append(token)
    return stream.isStopped
  }

  mutating func report(
    _ prompt: BatchPrompt, _ end: Result<EngineSummary, any Error>
  ) -> BatchReport {
    _ = stream.finish()
    var report = BatchReport(
      index: prompt.index, id: prompt.id, seed: prompt.request.options.sampling.seed,
      text: stream.text, tokens: tokens, promptTokens: prompt.request.prompt.count)
    switch end {
    case .success(let summary):
      // A stop text counts even where the engine had more tokens already.
      report.finishReason = GeneratedText.Reason(
        stream.isStopped ? .stoppedByCaller : summary.finishReason, isStopText: stream.isStopped)
      report.reusedTokens = summary.reusedTokens
      report.queuedSeconds = summary.queuedSeconds
      report.promptSeconds = summary.promptSeconds
      report.firstTokenSeconds = summary.firstTokenSeconds
      report.generateSeconds = summary.generateSeconds
      report.tokensPerSecond = summary.tokensPerSecond
    case .failure(let error):
      report.error = "\(error)"
    }
    return report
  }
}

/// Holds results back until those of earlier prompts are there.
private struct OrderedReports {
  let isOrdered: Bool
  private var held: [Int: BatchReport] = [:]
  private var next = 0

  init(isOrdered: Bool) { self.isOrdered = isOrdered }

  mutating func add(
    _ report: BatchReport, _ place: Int, _ body: (BatchReport) throws -> Void
  ) throws {
    guard isOrdered else { return try body(report) }
    held[place] = report
    while let report = held.removeValue(forKey: next) {
      next += 1
      try body(report)
    }
  }

  /// Gives out what waits for prompts that never ended.
  mutating func finish(_ body: (BatchReport) throws -> Void) throws {
    for report in held.values.sorted(by: { $0.index < $1.index }) { try body(report) }
    held = [:]
  }
}
