import Foundation
import JetCheckpoint
import JetEvaluation
import JetModels
import JetTensor

/// What a model can do, and how fast.
struct ModelScores: Codable, Hashable {
  /// The tasks of the evaluation, texts' perplexities among them.
  var tasks: [TaskResult]
  /// The loss on the validation text in nats a token.
  var validation: Score
  /// What each sequence of the validation text gave.
  var validationLosses: [Double]
  /// The placement's objectives, an observation an item, greater is better.
  var objectives: [String: [Double]]
}

/// The difference of two models on the items of both.
struct ModelDifference: Codable, Hashable {
  /// Which model is taken from which: `searched - uniform`.
  var name: String
  /// The task or objective.
  var task: String
  /// What is compared.
  var metric: String
  var difference: Score
}

/// Stage 7: teacher, uniform and searched model, measured alike.
struct FinalScores {
  let session: SearchSession
  private static let stage = SearchStage.scores

  init(_ session: SearchSession) { self.session = session }

  /// Measures the trained models and their differences, and all rates one after another.
  func run() throws {
    var models = ["teacher": session.teacher]
    for name in FinalStage.names {
      let place = FinalStage.model(name, in: session.folder)
      models[name] = try withTorchErrors {
        try Checkpoint(place.path).model(
          dtype: session.dtype, device: session.configuration.runDevice)
      }
    }
    let units = FinalStage.names.enumerated().compactMap { index, name in
      models[name].map { (name: name, index: index + 1, model: $0) }
    }
    let count = units.count + 1
    let own = try session.all(Self.stage, units, name: { Self.result($0.name) }) {
      try measured(Self.stage, $0.name, of: $0.model, index: $0.index, count: count)
    }
    var scores = Dictionary(uniqueKeysWithValues: zip(FinalStage.names, own))
    scores["teacher"] = try teacherScores()
    for (first, second) in [
      ("uniform", "searched"), ("teacher", "searched"), ("teacher", "uniform"),
    ] {
      guard let before = scores[first], let after = scores[second] else { continue }
      _ = try session.once(Self.stage, "differences/\(second)-\(first)") {
        try Self.differences(from: before, to: after, name: "\(second) - \(first)")
      }
    }
    let all = [(name: "teacher", index: count, model: session.teacher)] + units
    _ = try session.all(Self.stage, all, name: { "rates/\($0.name)" }) { unit -> [ModelRates] in
      try session.begin(Self.stage, "rates of \(unit.name)", count, of: count)
      session.tell(Self.stage, "rates of \(unit.name)", count, of: count, "being measured")
      return try rates(of: unit.model)
    }
  }

  private func teacherScores() throws -> ModelScores {
    try scores(.data, "teacher", of: session.teacher, index: 3, count: 3)
  }

  /// The scores of a model, measured once.
  func scores(
    _ stage: SearchStage, _ name: String, of model: HybridModel, index: Int, count: Int
  ) throws -> ModelScores {
    try session.once(stage, Self.result(name)) {
      try measured(stage, name, of: model, index: index, count: count)
    }
  }

  /// The name of a model's scores in the journal.
  private static func result(_ name: String) -> String { "scores/\(name)" }

  private func measured(
    _ stage: SearchStage, _ name: String, of model: HybridModel, index: Int, count: Int
  ) throws -> ModelScores {
    try session.begin(stage, "scores of \(name)", index, of: count)
    let measures = ModelMeasures(session)
    let language = try measures.language(model)
    let tasks = try (measures.evaluationTasks() + texts()).map { task in
      session.tell(stage, name, index, of: count, "\(task.name), \(task.count) items")
      return try evaluate(task, on: language) { _ in try session.continueOrStop() }
    }
    let losses = try measures.losses(of: model)
    var observed = try measures.observations(of: model, withTasks: false)
    observed[ModelMeasures.validation] = nil
    return ModelScores(
      tasks: tasks, validation: Score(of: losses), validationLosses: losses, objectives: observed)
  }

  /// The texts whose perplexity is measured.
  private func texts() throws -> [EvaluationTask] {
    let evaluation = session.configuration.evaluation
    return try evaluation.perplexity.map { path in
      guard let data = FileManager.default.contents(atPath: path) else {
        throw SearchError("\(path) cannot be read; mend 'evaluation.perplexity'")
      }
      let text = String(decoding: data.prefix(evaluation.perplexityBytes), as: UTF8.self)
      let name = URL(filePath: path).deletingPathExtension().lastPathComponent
      return EvaluationTask(name: name, questions: .texts([TextItem(id: "text", text: text)]))
    }
  }

  private func rates(of model: HybridModel) throws -> [ModelRates] {
    let evaluation = session.configuration.evaluation
    let measurement = RateMeasurement(
      model: model, claims: session.claims, shouldStop: session.continueOrStop)
    return try evaluation.contexts.map { context in
      try measurement.rates(
        context: context, batch: 1, tokens: evaluation.decodeTokens, readsContext: true)
    }
  }

  private static func differences(
    from before: ModelScores, to after: ModelScores, name: String
  ) throws -> [ModelDifference] {
    let tasks = try zip(before.tasks, after.tasks).map { first, second in
      let own = try PairedDifference(from: first, to: second)
      return ModelDifference(
        name: name, task: own.task, metric: own.metric, difference: own.difference)
    }
    let objectives = before.objectives.keys.sorted().compactMap { key -> ModelDifference? in
      guard let first = before.objectives[key], let second = after.objectives[key] else {
        return nil
      }
      return ModelDifference(
        name: name, task: key, metric: "objective",
        difference: Score(of: zip(second, first).map { $0 - $1 }))
    }
    let validation = ModelDifference(
      name: name, task: ModelMeasures.validation, metric: "loss_per_token",
      difference: Score(of: zip(after.validationLosses, before.validationLosses).map { $0 - $1 }))
    return tasks + objectives + [validation]
  }
}
