import Foundation
import JetEvaluation
import JetModels
import JetTensor
import JetTraining

/// A linear mixer in the chosen placement, trained and measured.
struct TrainedCandidate: Codable, Hashable {
  /// What it is called.
  var name: String
  /// The mixer of the linear layers.
  var linear: MixerConfiguration
  /// One an item, greater is better, by objective; with ``ModelMeasures/validation`` and ``ModelMeasures/tasks``.
  var observations: [String: [Double]]
  /// Numbers in all parameters.
  var parameterCount: Int
  /// Bytes of a linear layer's state.
  var layerStateBytes: Int
  /// Tokens a second in training, the teacher's work included.
  var trainingTokensPerSecond: Double
  /// How fast it is at the grid's context.
  var rates: ModelRates
  /// What its training took.
  var record: StageRecord
  /// Its place in the configuration, from 1; nil in journals of earlier versions.
  var index: Int?

  /// The observations that a rule goes by.
  func observations(_ metric: SelectionRule.Metric, guide: String) -> [Double] {
    let key =
      switch metric {
      case .guide: guide
      case .meanAccuracy: ModelMeasures.tasks
      case .perplexity: ModelMeasures.validation
      }
    return observations[key] ?? []
  }

  /// The candidate that a rule takes; a function of what was recorded.
  ///
  /// - Precondition: there is one at least.
  static func chosen(
    _ candidates: [TrainedCandidate], by rule: SelectionRule, guide: String
  ) -> TrainedCandidate {
    let observed = candidates.map { $0.observations(rule.metric, guide: guide) }
    let means = observed.map { Score(of: $0).value }
    func first(_ places: [Int], _ isBetter: (Int, Int) -> Bool) -> Int {
      places.dropFirst().reduce(places[0]) { isBetter($1, $0) ? $1 : $0 }
    }
    let best = first(Array(candidates.indices)) { means[$0] > means[$1] }
    let equal = candidates.indices.filter { place in
      let apart = Score(of: zip(observed[best], observed[place]).map { $0 - $1 })
      return place == best
        || apart.value <= rule.withinStandardErrors * (apart.standardError ?? 0)
    }
    let chosen =
      switch rule.then {
      case .metric: best
      case .throughput:
        first(equal) {
          candidates[$0].rates.decodeTokensPerSecond > candidates[$1].rates.decodeTokensPerSecond
        }
      case .parameters:
        first(equal) { candidates[$0].parameterCount < candidates[$1].parameterCount }
      case .stateBytes:
        first(equal) { candidates[$0].layerStateBytes < candidates[$1].layerStateBytes }
      }
    return candidates[chosen]
  }
}

/// Trains and measures linear mixers in a placement.
struct CandidateTraining {
  let session: SearchSession
  let stage: SearchStage
  let placement: Placement
  let budget: TrainingBudget

  /// The candidates of some mixers, each recorded once.
  func candidates(
    _ forms: [(name: String, linear: MixerConfiguration)]
  ) throws -> [TrainedCandidate] {
    let units = forms.enumerated().map { (index: $0 + 1, form: $1) }
    let made: [TrainedCandidate] = try session.all(
      stage, units, name: { "candidate/\($0.form.name)" }
    ) { unit in
      try train(
        unit.form.name, unit.form.linear, unit.index, of: units.count,
        session.folder.training(stage, unit.form.name))
    }
    for form in forms {
      try session.folder.removeCheckpoints(of: session.folder.training(stage, form.name))
    }
    return made
  }

  private func train(
    _ name: String, _ linear: MixerConfiguration, _ index: Int, of count: Int, _ folder: URL
  ) throws -> TrainedCandidate {
    let configuration = session.configuration
    let mixers = try session.mixers(placement, linear: linear)
    let teacher = session.teacher.configuration
    let phase = configuration.layerPhase(budget, mixers: mixers, teacher: teacher)
    let job = TrainingJob(
      mixers: mixers, phases: [phase], seed: configuration.seed,
      calibrationTokens: configuration.training.calibrationTokens)
    try session.begin(
      stage, name, index, of: count, training: folder.appending(path: phase.name))
    let trained = try job.run(
      teacher: session.teacher, shards: session.shards, folder: folder,
      report: { [session, stage] _, step in
        session.tell(
          stage, name, index, of: count, step, phaseTokens: phase.configuration.tokenCount)
      }, shouldStop: session.shouldStop)
    guard let model = trained else { throw SearchStopped(session.folder, place: session.place) }
    try session.begin(stage, "scoring \(name)", index, of: count)
    session.tell(stage, name, index, of: count, "trained; being scored")
    let usesTasks = [
      configuration.blocks.rule, configuration.newBlock.rule, configuration.grid.rule,
    ]
    .contains { $0.metric == .meanAccuracy }
    let observations = try ModelMeasures(session).observations(of: model, withTasks: usesTasks)
    let rates = try RateMeasurement(
      model: model, claims: session.claims, shouldStop: session.continueOrStop
    ).rates(
      context: configuration.grid.context, batch: configuration.grid.batch,
      tokens: configuration.evaluation.decodeTokens, readsContext: false)
    let record = try job.record(teacher: teacher, folder: folder)
    return TrainedCandidate(
      name: name, linear: linear, observations: observations,
      parameterCount: model.configuration.parameterCount,
      layerStateBytes: linear.linear?.stateSizes.byteCount(session.dtype) ?? 0,
      trainingTokensPerSecond: record.seconds > 0 ? Double(record.tokens) / record.seconds : 0,
      rates: rates, record: record, index: index)
  }
}
