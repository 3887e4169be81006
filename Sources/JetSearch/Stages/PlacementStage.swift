import Foundation
import JetEvaluation
import JetModels
import JetTraining

/// The placements that a run goes on with.
struct ChosenPlacements: Codable, Hashable {
  /// What was searched.
  var searched: Placement
  /// As many layers of each kind, evenly spread.
  var uniform: Placement
}

/// How much each layer matters to an objective: its score when it alone has full attention.
struct LayerScores: Codable, Hashable {
  var objective: String
  /// All layers linear.
  var base: Score
  /// One a layer.
  var layers: [Score]
}

/// By how much the searched placement is better than the uniform one, item by item, in the super network.
struct PlacementDifference: Codable, Hashable {
  var objective: String
  var searched: Score
  var uniform: Score
  var difference: Score
}

/// Stage 2: where attention stays.
struct PlacementStage {
  let session: SearchSession
  let network: SuperNetwork
  let weights: String
  private static let stage = SearchStage.placement

  /// The names of this stage's results.
  static func name(
    _ choice: LayerChoice, _ objective: String, _ strategy: String, _ count: Int
  ) -> String {
    "\(choice.rawValue)/\(objective)/\(strategy)/\(count)"
  }

  func run() throws -> ChosenPlacements {
    let placement = session.configuration.placement
    let guide = try scorer(placement.guide)
    for objective in placement.objectives {
      try importance(
        objective.name, objective.name == placement.guide ? guide : scorer(objective.name))
    }
    let base = Placement(repeating: .linear, count: network.layerCount)
    var found: [String: PlacementOutcome] = [:]
    // Uniform is what all are compared with.
    let strategies =
      placement.strategies + (placement.strategies.contains(.uniform) ? [] : [.uniform])
    let problems = try placement.sizes.sorted().map {
      try PlacementProblem(base: base, choice: .full, count: $0)
    }
    // Gates are optimised by one process, while others score candidates.
    if strategies.contains(.gates) {
      for problem in problems {
        _ = try solve(problem, .gates, guide, placement.guide, waits: false)
      }
    }
    for problem in problems {
      for name in strategies {
        found["\(name.rawValue)/\(problem.count)"] = try solve(
          problem, name, guide, placement.guide)
      }
    }
    guard let searched = found["\(placement.strategy.rawValue)/\(placement.size)"],
      let uniform = found[
        "\(PlacementConfiguration.StrategyName.uniform.rawValue)/\(placement.size)"]
    else {
      throw SearchError("the journal lacks the chosen placement; begin the run anew")
    }
    let chosen = try windows(
      ChosenPlacements(searched: searched.placement, uniform: uniform.placement))
    try differences(chosen)
    return try session.once(Self.stage, "chosen") { chosen }
  }

  /// Other constraints on the same network, all known candidates reused.
  func search(
    size: Int, strategy: PlacementConfiguration.StrategyName, objective: String, beamWidth: Int
  ) throws -> PlacementOutcome {
    let base = Placement(repeating: .linear, count: network.layerCount)
    let problem = try PlacementProblem(base: base, choice: .full, count: size)
    func solve() throws -> PlacementOutcome {
      try scorer(objective).solve(
        problem, by: self.strategy(strategy, beamWidth: beamWidth), stage: "search",
        name: Self.name(.full, objective, "\(strategy.rawValue)-\(beamWidth)", size))
    }
    guard strategy == .gates else { return try solve() }
    // Gates of a size have one checkpoint, which another process of the run may be writing.
    return try session.claims.exclusively(
      "\(Self.stage.rawValue)/\(Self.name(.full, objective, strategy.rawValue, size))",
      whileWaiting: session.continueOrStop, solve)
  }

  // MARK: Strategies

  private func strategy(
    _ name: PlacementConfiguration.StrategyName, beamWidth: Int
  ) throws -> any PlacementStrategy {
    let placement = session.configuration.placement
    switch name {
    case .beam: return try BeamSearch(width: beamWidth)
    case .oneLayer: return OneLayerRestored()
    case .uniform: return UniformPlacement()
    case .exhaustive: return ExhaustiveSearch(limit: placement.exhaustiveLimit)
    case .gates: return try gates()
    }
  }

  private func gates() throws -> any PlacementStrategy {
    let configuration = session.configuration
    let (data, own) = (configuration.data, configuration.placement.gates)
    let steps = max(1, own.tokens / (data.sequenceLength * data.sequences))
    var stream = try TokenStream(
      session.shards, blockLength: data.sequenceLength, seed: configuration.seed &+ 3)
    // The teacher's hidden states of each batch are kept, so there are not many.
    let batches = try (0..<min(steps, 32)).map { _ in
      try stream.batch(
        sequences: data.sequences, length: data.sequenceLength, device: configuration.runDevice)
    }
    let gates = try GateStrategy(
      network, batches: batches,
      configuration: GateConfiguration(
        steps: steps, learningRate: own.learningRate, seed: configuration.seed &+ 4,
        recomputes: configuration.training.recompute))
    gates.checkpoints = GateCheckpoints(
      folder: session.folder.training(Self.stage, "gates"), weights: weights)
    gates.onStep = { step, divergence, _ in
      try session.continueOrStop()
      if (step + 1) % 10 == 0 || step + 1 == steps {
        session.tell(
          Self.stage, "gates", step + 1, of: steps,
          "divergence \(decimals(divergence, 4)) nats a token")
      }
    }
    return gates
  }

  /// The outcome of a strategy; recorded once.
  private func solve(
    _ problem: PlacementProblem, _ strategy: PlacementConfiguration.StrategyName,
    _ scorer: CandidateScorer, _ objective: String
  ) throws -> PlacementOutcome {
    guard let made = try solve(problem, strategy, scorer, objective, waits: true) else {
      throw SearchError("the journal lost the outcome of \(strategy.rawValue); check the disk")
    }
    return made
  }

  /// Gates are one process's work; of all other strategies the processes share the candidates.
  private func solve(
    _ problem: PlacementProblem, _ strategy: PlacementConfiguration.StrategyName,
    _ scorer: CandidateScorer, _ objective: String, waits: Bool
  ) throws -> PlacementOutcome? {
    let name = Self.name(problem.choice, objective, strategy.rawValue, problem.count)
    func known() throws -> PlacementOutcome? {
      try session.journal.result(PlacementOutcome.self, stage: Self.stage.rawValue, name: name)
    }
    func make() throws -> PlacementOutcome {
      try session.continueOrStop()
      let unit = "\(strategy.rawValue), \(problem.count) of \(problem.choice.rawValue) attention"
      try session.begin(Self.stage, unit)
      let start = try session.journal.keep(
        session.journal.lastCandidate(), stage: "begun", name: name)
      let made = try scorer.solve(
        problem, by: self.strategy(strategy, beamWidth: session.configuration.placement.beamWidth),
        stage: Self.stage.rawValue, name: name, after: start)
      session.tell(
        Self.stage, unit,
        "layers \(made.layers.map(String.init).joined(separator: " ")), \(objective) "
          + "\(decimals(made.score.value, 5)), \(made.computedCount) scored, \(made.knownCount) known"
      )
      return made
    }
    guard strategy == .gates else { return try known() ?? make() }
    let wait = session.waiting(Self.stage)
    return try session.claims.perform(
      "\(Self.stage.rawValue)/\(name)", waits: waits, known: known,
      whileWaiting: { try wait(name) }, make)
  }

  // MARK: What is measured besides

  private func importance(_ name: String, _ scorer: CandidateScorer) throws {
    let known = try session.journal.result(
      LayerScores.self, stage: Self.stage.rawValue, name: "importance/\(name)")
    guard known == nil else { return }
    try session.begin(Self.stage, "importance of layers for \(name)")
    let base = Placement(repeating: .linear, count: network.layerCount)
    let count = network.layerCount
    let onCandidate = scorer.onCandidate
    defer { scorer.onCandidate = onCandidate }
    scorer.onCandidate = { [session] candidate in
      if let layer = candidate.placement.layers(.full).first {
        session.tell(
          Self.stage, "importance of layers for \(name)", layer + 1, of: count,
          "layer \(layer) alone gives \(decimals(candidate.score.value, 5))")
      }
      try onCandidate(candidate)
    }
    let layers = try scorer.candidates((0..<count).map { base.replacing([$0], by: .full) })
      .map(\.score)
    let made = LayerScores(
      objective: name, base: try scorer.candidate(base).score, layers: layers)
    try session.journal.record(made, stage: Self.stage.rawValue, name: "importance/\(name)")
  }

  private func windows(_ chosen: ChosenPlacements) throws -> ChosenPlacements {
    guard let windows = session.configuration.placement.windows else { return chosen }
    let scorer = try scorer(windows.objective)
    func placed(
      _ base: Placement, _ strategy: PlacementConfiguration.StrategyName
    ) throws -> Placement {
      let problem = try PlacementProblem(base: base, choice: .window, count: windows.layers)
      return try solve(problem, strategy, scorer, windows.objective).placement
    }
    return ChosenPlacements(
      searched: try placed(chosen.searched, session.configuration.placement.strategy),
      uniform: try placedUniformly(chosen.uniform, windows.layers))
  }

  /// The windows of the uniform placement, evenly among the layers that are left; nothing is scored.
  private func placedUniformly(_ base: Placement, _ count: Int) throws -> Placement {
    let free = base.layers(.linear)
    return base.replacing(
      (0..<count).map { free[(2 * $0 + 1) * free.count / (2 * count)] }, by: .window)
  }

  private func differences(_ chosen: ChosenPlacements) throws {
    for objective in session.configuration.placement.objectives {
      _ = try session.once(Self.stage, "difference/\(objective.name)") {
        let scorer = try scorer(objective.name)
        let (searched, uniform) = (
          try scorer.candidate(chosen.searched), try scorer.candidate(chosen.uniform)
        )
        return PlacementDifference(
          objective: objective.name, searched: searched.score, uniform: uniform.score,
          difference: searched.difference(to: uniform))
      }
    }
  }

  // MARK: Objectives

  /// A scorer of an objective by its name.
  private func scorer(_ name: String) throws -> CandidateScorer {
    let placement = session.configuration.placement
    guard let own = placement.objectives.first(where: { $0.name == name }) else {
      throw SearchError(
        "there is no objective \(name); give one of "
          + placement.objectives.map(\.name).joined(separator: ", "))
    }
    let measures = ModelMeasures(session)
    let objective: any PlacementObjective
    if let task = try measures.task(own) {
      objective = try TaskObjective(
        task, metric: own.metric, network: network, weights: weights,
        tokenizer: session.tokenizer, endTokens: session.endTokens,
        batchTokens: session.configuration.evaluation.batchTokens)
    } else {
      objective = try DivergenceObjective(
        network: network, weights: weights, windows: measures.windows(own))
    }
    let scorer = try CandidateScorer(
      objective, journal: session.journal, claims: session.claims)
    scorer.onCandidate = { _ in try session.continueOrStop() }
    scorer.whileWaiting = session.continueOrStop
    return scorer
  }
}

/// A number with as many places.
func decimals(_ value: Double, _ places: Int) -> String {
  String(format: "%.\(places)f", value)
}
