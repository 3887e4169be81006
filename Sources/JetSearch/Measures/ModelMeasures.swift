import Foundation
import JetEvaluation
import JetModels
import JetTensor
import JetText

/// What models that were trained are compared by: the placement's objectives, the tasks, held-out text.
///
/// All give an observation an item, greater is better, the same items for every model.
final class ModelMeasures {
  /// The name under which the losses on validation text are kept.
  static let validation = "validation"
  /// The name under which the accuracies of the evaluation's tasks are kept.
  static let tasks = "tasks"

  private let session: SearchSession
  private let loader: TaskLoader
  private lazy var teacherHidden: [Int: Tensor] = [:]

  init(_ session: SearchSession) {
    self.session = session
    loader = TaskLoader(
      tokenizer: session.tokenizer, folder: session.configuration.evaluation.folder,
      seed: session.configuration.seed)
  }

  /// A model that answers requests.
  func language(_ model: HybridModel) throws -> HybridLanguageModel {
    let evaluation = session.configuration.evaluation
    return try HybridLanguageModel(
      model, tokenizer: session.tokenizer, endTokens: session.endTokens,
      batchTokens: evaluation.batchTokens, window: evaluation.window)
  }

  /// All tasks of the evaluation, once each.
  func evaluationTasks() throws -> [EvaluationTask] {
    try session.configuration.evaluation.tasks.flatMap { try loader.tasks($0) }
  }

  /// The questions of an objective that is a task.
  func task(_ objective: ObjectiveConfiguration) throws -> EvaluationTask? {
    try objective.task.map { try loader.joined($0, name: objective.name) }
  }

  /// The windows of an objective that is a divergence.
  ///
  /// - Throws: ``SearchError`` when the validation text is too short.
  func windows(_ objective: ObjectiveConfiguration) throws -> [[Int]] {
    let length = min(
      objective.length ?? session.configuration.data.sequenceLength,
      session.configuration.data.sequenceLength)
    let all = session.validation.map { Array($0.prefix(length)) }
    guard all.count >= objective.sequences else {
      throw SearchError(
        "the objective \(objective.name) asks for \(objective.sequences) sequences of validation text, "
          + "which has \(all.count) of \(session.configuration.data.sequenceLength) tokens; give more text "
          + "or ask for fewer")
    }
    return Array(all.prefix(objective.sequences))
  }

  /// All observations that candidates are compared by.
  func observations(of model: HybridModel, withTasks: Bool) throws -> [String: [Double]] {
    var result: [String: [Double]] = [:]
    let language = try language(model)
    for objective in session.configuration.placement.objectives {
      try session.continueOrStop()
      result[objective.name] = try observations(of: model, language, objective)
    }
    result[Self.validation] = try losses(of: model).map { -$0 }
    if withTasks {
      result[Self.tasks] = try evaluationTasks().flatMap { task in
        try evaluate(task, on: language).items.compactMap { item in
          Self.accuracyMetrics.lazy.compactMap { item.values[$0] }.first
        }
      }
    }
    return result
  }

  private static let accuracyMetrics = [
    "accuracy_normalized", "accuracy", "contains", "exact_match",
  ]

  private func observations(
    of model: HybridModel, _ language: HybridLanguageModel, _ objective: ObjectiveConfiguration
  ) throws -> [Double] {
    guard let task = try task(objective) else {
      return try divergences(of: model, windows(objective))
    }
    let metric = objective.metric ?? task.metric
    let isLoss = metric.contains("loss")
    return try evaluate(task, on: language) { _ in try session.continueOrStop() }.items.map {
      item in
      guard let value = item.values[metric] else {
        throw SearchError(
          "the objective \(objective.name) asks for the metric \(metric), which its items do not have; "
            + "give one of \(item.values.keys.sorted().joined(separator: ", "))")
      }
      return isLoss ? -value : value
    }
  }

  /// `−KL(teacher ‖ model)` in nats a token, one for each sequence.
  private func divergences(of model: HybridModel, _ windows: [[Int]]) throws -> [Double] {
    try withTorchErrors {
      withoutGradients {
        windows.map { window in
          let batch = TokenBatch([window], device: model.embedding.device)
          let (own, wanted) = (model(batch), session.teacher(batch))
          let sum = Self.chunks(window.count).reduce(0.0) { sum, rows in
            let ours = model.logits(own.slice(rows, dim: 1)).logSoftmax(dim: -1)
            let theirs = session.teacher.logits(wanted.slice(rows, dim: 1)).logSoftmax(dim: -1)
            return sum + (exp(theirs) * (theirs - ours)).sum().item(as: Double.self)
          }
          return -sum / Double(window.count)
        }
      }
    }
  }

  /// The loss on the next token in nats, one for each sequence of validation text.
  func losses(of model: HybridModel) throws -> [Double] {
    let windows = session.validation.prefix(session.configuration.data.validationSequences)
    return try withTorchErrors {
      withoutGradients {
        windows.map { window in
          let batch = TokenBatch([Array(window.dropLast())], device: model.embedding.device)
          let targets = Tensor(Array(window.dropFirst()), shape: [1, window.count - 1])
            .to(model.embedding.device)
          let hidden = model(batch)
          let sum = Self.chunks(window.count - 1).reduce(0.0) { sum, rows in
            let logs = model.logits(hidden.slice(rows, dim: 1)).logSoftmax(dim: -1)
            let own = targets.slice(rows, dim: 1).unsqueezed(-1)
            return sum + logs.gathered(own, dim: -1).sum().item(as: Double.self)
          }
          return -sum / Double(window.count - 1)
        }
      }
    }
  }

  /// Float32 logits exist for some rows at a time.
  private static func chunks(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: 256).map { $0..<min($0 + 256, count) }
  }
}
