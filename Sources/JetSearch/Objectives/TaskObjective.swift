import Foundation
public import JetEvaluation
public import JetText

/// A placement is as good as it does an evaluation task.
///
/// Observations are those of one metric, one an item; losses with their signs turned, so that greater is better. The
/// paper takes the loss of the right answer for multiple choice and accuracy for retrieval.
public final class TaskObjective: PlacementObjective {
  /// Names weights, tokenizer, questions and metric.
  public let identity: String
  /// What is asked.
  public let task: EvaluationTask
  /// The metric.
  public let metric: String

  private let network: SuperNetwork
  private let reader: HybridLanguageModel

  /// The metrics of items, and whether greater is better.
  private static func sign(_ metric: String, of task: EvaluationTask) -> Double? {
    switch task.questions {
    case .choices:
      ["accuracy": 1, "accuracy_normalized": 1, "answer_loss": -1, "choice_loss": -1][metric]
    case .completions: ["exact_match": 1, "contains": 1][metric]
    case .texts: ["loss_per_token": -1][metric]
    }
  }

  private let sign: Double

  /// An objective.
  ///
  /// - Parameters:
  ///   - task: at least one item.
  ///   - metric: a metric that each item has; the task's own when nil. Texts have `loss_per_token` alone.
  ///   - network: the super network that placements are of.
  ///   - weights: what its ``SuperNetwork/identity()`` gives.
  ///   - tokenizer: the teacher's.
  ///   - endTokens: tokens that end a written answer.
  ///   - batchTokens: the most tokens of a batch, padding included.
  /// - Throws: ``SearchError`` for a task without items or a metric that items do not have.
  public init(
    _ task: EvaluationTask, metric: String? = nil, network: SuperNetwork, weights: String,
    tokenizer: Tokenizer, endTokens: Set<Int>,
    batchTokens: Int = HybridLanguageModel.defaultBatchTokens
  ) throws {
    let metric = metric ?? task.metric
    guard task.count > 0 else {
      throw SearchError("the task \(task.name) has no items; give a file with at least one line")
    }
    guard let sign = Self.sign(metric, of: task) else {
      throw SearchError(
        "the items of \(task.name) have no metric '\(metric)'; the task has "
          + "\(task.questions.metrics.joined(separator: ", ")), and of texts only loss_per_token is by item"
      )
    }
    self.task = task
    self.metric = metric
    self.network = network
    self.sign = sign
    reader = try HybridLanguageModel(
      network.teacher, tokenizer: tokenizer, endTokens: endTokens, batchTokens: batchTokens)
    // The reader's name has the tokenizer, the end tokens and the window.
    identity =
      "\(task.name)/\(metric)/"
      + SHA256.text(Data("\(weights) \(reader.identity) \(task.digest) \(metric)".utf8)).prefix(32)
  }

  /// One observation an item.
  ///
  /// - Throws: what the model reports, or `EvaluationError`.
  public func observations(of placement: Placement) throws -> [Double] {
    let model = try HybridLanguageModel(
      network.model(placement), identity: "\(identity)/\(placement)", like: reader)
    return try evaluate(task, on: model).items.map { item in
      guard let value = item.values[metric] else {
        throw SearchError(
          "the item \(item.id) of \(task.name) has no '\(metric)'; report this fault")
      }
      return sign * value
    }
  }
}

extension EvaluationTask {
  /// A hash of all questions with their answers, 64 hexadecimal digits.
  var digest: String {
    var hash = SHA256()
    // Lengths stand before texts, so that no two lists of texts look the same.
    func add(_ text: String) { hash.update(Data("\(text.utf8.count):\(text)".utf8)) }
    switch questions {
    case .choices(let items, let normalization):
      add("choices \(normalization.rawValue) \(items.count)")
      for item in items {
        add("\(item.answer) of \(item.requests.count)")
        for (request, choice) in zip(item.requests, item.choices) {
          add(request.context)
          add(request.continuation)
          add(choice)
        }
      }
    case .completions(let items):
      add("completions \(items.count)")
      for item in items {
        add("\(item.request.maximumTokens) \(item.request.stop.count) \(item.answers.count)")
        add(item.request.context)
        item.request.stop.forEach(add)
        item.answers.forEach(add)
      }
    case .texts(let items):
      add("texts \(items.count)")
      for item in items { add(item.text) }
    }
    return hash.finish()
  }
}
