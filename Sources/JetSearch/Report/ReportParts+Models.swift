import Foundation
import JetEvaluation
import JetModels
import JetReport
import JetTraining

extension ReportParts {
  private static let roles: [(name: String, role: ModelRole)] = [
    ("teacher", .teacher), ("uniform", .uniform), ("searched", .searched),
  ]

  private func scores(_ name: String) throws -> ModelScores? {
    let stage: SearchStage = name == "teacher" ? .data : .scores
    return try journal.result(ModelScores.self, stage: stage.rawValue, name: "scores/\(name)")
  }

  private func rates(_ name: String) throws -> [ModelRates] {
    try journal.result([ModelRates].self, stage: SearchStage.scores.rawValue, name: "rates/\(name)")
      ?? []
  }

  private func estimate(_ score: Score, _ metric: String) -> Estimate {
    let isPart = metric.hasPrefix("accuracy") || metric == "contains" || metric == "exact_match"
    return Estimate(score, unit: isPart ? .fraction : .number)
  }

  func comparison() throws -> [ModelRow] {
    try Self.roles.compactMap { name, role in
      guard let own = try scores(name) else { return nil }
      var tasks: [TaskScore] = []
      for task in own.tasks {
        guard let score = task.scores[task.primaryMetric] else { continue }
        tasks.append(TaskScore(task: task.task, score: estimate(score, task.primaryMetric)))
      }
      for (objective, values) in own.objectives.sorted(by: { $0.key < $1.key }) {
        tasks.append(TaskScore(task: objective, score: Estimate(Score(of: values))))
      }
      let loss = own.validation
      let perplexity = Estimate(
        Foundation.exp(loss.value),
        standardError: loss.standardError.map { $0 * Foundation.exp(loss.value) })
      return ModelRow(
        name: name, role: role, scores: tasks, perplexity: perplexity,
        stateBytes: try rates(name).last?.stateBytes, differences: try differences(name))
    }
  }

  private func differences(_ name: String) throws -> [JetReport.PairedDifference] {
    try journal.results(
      forPrefix: "differences/\(name)-", stage: .scores, as: [ModelDifference].self
    )
    .flatMap { $0 }
    .map { own in
      JetReport.PairedDifference(
        other: own.name.components(separatedBy: " - ").last ?? "", task: own.task,
        difference: estimate(own.difference, own.metric))
    }
  }

  func contexts() throws -> [ContextCurve] {
    try Self.roles.compactMap { name, role in
      let rates = try rates(name)
      guard !rates.isEmpty else { return nil }
      return ContextCurve(
        model: name, role: role,
        points: rates.map {
          ContextPoint(
            context: $0.context,
            prefillTokensPerSecond: $0.prefillTokensPerSecond.map { Estimate($0) },
            decodeTokensPerSecond: Estimate($0.decodeTokensPerSecond), cacheBytes: $0.stateBytes)
        })
    }
  }

  /// The losses of all training runs of the folder.
  func losses() throws -> [LossCurve] {
    var curves: [LossCurve] = []
    for stage in SearchStage.allCases {
      let place = folder.training(stage, "").path
      guard FileManager.default.fileExists(atPath: place) else { continue }
      for unit in try FileManager.default.contentsOfDirectory(atPath: place).sorted() {
        for phase in try FileManager.default.contentsOfDirectory(atPath: "\(place)/\(unit)")
          .sorted()
        {
          let reports = try RunFolder(URL(filePath: "\(place)/\(unit)/\(phase)")).reports()
          guard !reports.isEmpty else { continue }
          let hasPhases = stage == .final || stage == .superNetwork
          curves.append(
            LossCurve(
              stage: stage.title + (hasPhases ? ", \(phase)" : ""), name: unit,
              points: reports.filter(\.loss.isFinite).map {
                LossPoint(tokens: Double($0.tokens), loss: $0.loss)
              }))
        }
      }
    }
    return curves
  }

  func costs() throws -> [StageCost] {
    try SearchStage.allCases.compactMap { stage in
      guard let own = try journal.result(StageRecord.self, stage: "stages", name: stage.rawValue)
      else { return nil }
      let count =
        stage == .placement ? try journal.candidateCounts().reduce(0) { $0 + $1.count } : nil
      return StageCost(
        stage: stage.title, seconds: own.seconds > 0 ? own.seconds : nil,
        tokens: own.tokens > 0 ? own.tokens : nil,
        flops: own.operations > 0 ? own.operations : nil, candidates: count)
    }
  }

  func notes() throws -> [String] {
    let trained = SearchPlan.trainingTokens(configuration).values.reduce(0, +)
    var notes = [
      "All training together reads \(trained) tokens; the paper's search reads 50 billion for each run. "
        + "What differs by less than two standard errors here is not shown to differ."
    ]
    if try !SearchPlan.releasedCodeKnows(teacher) {
      notes.append(
        "The teacher's attention has norms of queries and keys or heads of another width than the released code "
          + "knows: the exported config.json has the keys qk_norm and head_dim, and only Jet loads it."
      )
    }
    if configuration.evaluation.tasks.isEmpty {
      notes.append("No tasks were configured; models are compared by losses and divergences alone.")
    }
    return notes
  }

  func missing() throws -> [String] {
    try SearchStage.allCases.filter {
      try journal.result(StageRecord.self, stage: "stages", name: $0.rawValue) == nil
    }.map(\.title)
  }
}
