import Foundation

/// How far the evaluation of a task is.
public struct EvaluationProgress: Hashable, Sendable {
  /// The task's name.
  public var task: String
  /// Requests that are answered.
  public var done: Int
  /// All requests of the task.
  public var total: Int

  /// Progress of a task.
  public init(task: String, done: Int, total: Int) {
    self.task = task
    self.done = done
    self.total = total
  }
}

/// Asks a model all questions of a task.
///
/// - Parameters:
///   - task: at least one item.
///   - model: the model.
///   - progress: told after each answer; what it throws ends the evaluation.
/// - Throws: ``EvaluationError`` for a task without items; what the model and `progress` throw.
public func evaluate(
  _ task: EvaluationTask, on model: any LanguageModel,
  progress: (EvaluationProgress) throws -> Void = { _ in }
) throws -> TaskResult {
  guard task.count > 0 else {
    throw EvaluationError("The task \(task.name) has no items; give a file with at least one line.")
  }
  switch task.questions {
  case .choices(let items, let normalization):
    let scores = try gather(task.name, items.flatMap(\.requests), model.logLikelihoods, progress)
    var start = 0
    let results = items.map { item in
      defer { start += item.requests.count }
      return item.result(Array(scores[start..<start + item.requests.count]), normalization)
    }
    return TaskResult(task: task.name, primaryMetric: task.metric, items: results)
  case .completions(let items):
    let answers = try gather(task.name, items.map(\.request), model.generate, progress)
    return TaskResult(
      task: task.name, primaryMetric: task.metric, items: zip(items, answers).map { $0.result($1) })
  case .texts(let items):
    let scores = try gather(task.name, items.map(\.text), model.rollingLogLikelihoods, progress)
    return try TaskResult(task: task, texts: items, scores: scores)
  }
}

/// All answers in the order of the requests.
private func gather<Request, Answer>(
  _ task: String, _ requests: [Request],
  _ ask: @escaping ([Request], (Int, Answer) throws -> Void) throws -> Void,
  _ progress: (EvaluationProgress) throws -> Void
) throws -> [Answer] {
  var answers = [Answer?](repeating: nil, count: requests.count)
  var done = 0
  try ask(requests) { index, answer in
    answers[index] = answer
    done += 1
    try progress(EvaluationProgress(task: task, done: done, total: requests.count))
  }
  return answers.map { answer in
    guard let answer else { preconditionFailure("a model left a request of \(task) unanswered") }
    return answer
  }
}

extension ChoiceItem {
  /// The item's observations.
  ///
  /// - `accuracy`: 1 where the right choice has the greatest log-likelihood, the first of equal ones.
  /// - `accuracy_normalized`: the same for the log-likelihood over the choice's length.
  /// - `answer_loss`: −log p of the right choice, in nats a token.
  /// - `choice_loss`: −log of the right choice's share of the probability of all choices, in nats.
  func result(_ scores: [ContinuationScore], _ normalization: LengthNormalization) -> ItemResult {
    let plain = scores.map(\.logLikelihood)
    let normalized = zip(plain, choices).map { $0 / Double(max(1, normalization.length($1))) }
    let best = plain.max() ?? 0
    let sum = plain.reduce(0) { $0 + exp($1 - best) }
    let chosen = Self.greatest(plain)
    let own = scores[answer]
    return ItemResult(
      id: id,
      values: [
        "accuracy": chosen == answer ? 1 : 0,
        "accuracy_normalized": Self.greatest(normalized) == answer ? 1 : 0,
        "answer_loss": -own.logLikelihood / Double(max(1, own.tokenCount)),
        "choice_loss": best + log(sum) - own.logLikelihood,
      ],
      answer: chosen.map { "\($0)" }, droppedTokens: scores.map(\.droppedTokens).max() ?? 0)
  }

  private static func greatest(_ values: [Double]) -> Int? {
    // Not a number is never the right answer.
    guard values.allSatisfy({ !$0.isNaN }) else { return nil }
    return values.indices.max { (values[$0], $1) < (values[$1], $0) }
  }
}

extension CompletionItem {
  /// The item's observations: `exact_match` and `contains`, 1 or 0.
  func result(_ answer: GeneratedAnswer) -> ItemResult {
    let text = Self.trimmed(answer.text)
    let expected = answers.map(Self.trimmed)
    return ItemResult(
      id: id,
      values: [
        "exact_match": expected.contains(text) ? 1 : 0,
        "contains": expected.contains { !$0.isEmpty && text.contains($0) } ? 1 : 0,
      ],
      answer: answer.text, droppedTokens: answer.droppedTokens)
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

extension TaskResult {
  /// Perplexities of texts, each over all of them together, with errors from window to window.
  ///
  /// - `perplexity`: a token.
  /// - `word_perplexity`: a word, words being what stands between white space.
  /// - `byte_perplexity`, `bits_per_byte`: a byte of UTF-8.
  init(task: EvaluationTask, texts: [TextItem], scores: [RollingScore]) throws {
    let words = texts.map { Double($0.text.split(whereSeparator: \.isWhitespace).count) }
    let bytes = texts.map { Double($0.text.utf8.count) }
    let tokens = scores.map { Double($0.tokenCount) }
    guard words.reduce(0, +) > 0, tokens.reduce(0, +) > 0 else {
      throw EvaluationError("The texts of \(task.name) have no words; give a file with some text.")
    }
    let windows = scores.flatMap(\.windows)
    let token = Score(
      ratioOf: windows.map { -$0.logLikelihood }, to: windows.map { Double($0.tokenCount) })
    // Another unit is another scale of the same sum, so its relative error is the same.
    func per(_ units: [Double]) -> Score {
      token.scaled(by: tokens.reduce(0, +) / units.reduce(0, +))
    }
    let byte = per(bytes)
    // Windows, and not texts, are what two models can be compared on: there may be one long text.
    let items = zip(texts, scores).flatMap { text, score in
      score.windows.enumerated().map { place, window in
        ItemResult(
          id: "\(text.id)/\(place)",
          values: [
            "loss_per_token": -window.logLikelihood / Double(window.tokenCount),
            "tokens": Double(window.tokenCount),
          ])
      }
    }
    self.init(
      task: task.name, primaryMetric: task.metric,
      scores: [
        "perplexity": token.exponential, "loss_per_token": token,
        "word_perplexity": per(words).exponential, "byte_perplexity": byte.exponential,
        "bits_per_byte": byte.scaled(by: 1 / log(2)),
      ],
      items: items)
  }
}
