import Foundation
import JetEvaluation
import JetModels
import JetReport
import JetTraining

/// The parts of a report, each from what was recorded.
struct ReportParts {
  let configuration: SearchConfiguration
  let journal: Journal
  let folder: SearchFolder
  let teacher: ModelConfiguration

  var teacherName: String {
    URL(filePath: configuration.teacher).deletingPathExtension().lastPathComponent
  }

  /// What the run was begun on, and how it computed.
  func machine() throws -> String {
    let known = try journal.result(
      RunMachine.self, stage: SearchStage.data.rawValue, name: "machine")
    return (known.map { "\($0.text); " } ?? "")
      + "computed on \(configuration.device) in \(configuration.dtype.rawValue)"
  }

  /// The day on which the run was begun.
  func date() throws -> String {
    guard
      let begun = try journal.result(
        Double.self, stage: SearchStage.data.rawValue, name: "begun")
    else { return "" }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "d MMMM yyyy"
    return formatter.string(from: Date(timeIntervalSince1970: begun))
  }

  var shape: TeacherShape {
    var shape = TeacherShape(
      layerCount: teacher.mixers.count, width: teacher.width, feedForwardWidth: teacher.mlpWidth,
      vocabularyCount: teacher.vocabularySize, parameterCount: teacher.parameterCount,
      contextTokens: teacher.maximumPositions)
    if case .attention(let attention)? = teacher.mixers.first {
      shape.headCount = attention.heads
      shape.keyValueHeadCount = attention.keyValueHeads
      shape.headWidth = attention.headWidth
    }
    return shape
  }

  func chosen() throws -> ChosenPlacements? {
    try journal.result(ChosenPlacements.self, stage: SearchStage.placement.rawValue, name: "chosen")
  }

  func importance() throws -> [LayerImportance] {
    try journal.results(forPrefix: "importance/", stage: .placement, as: LayerScores.self).map {
      LayerImportance(objective: $0.objective, layers: $0.layers.map { Estimate($0) })
    }
  }

  func placements() throws -> [PlacementRow] {
    let outcomes = try journal.names(stage: SearchStage.placement.rawValue)
      .filter { $0.hasPrefix("full/") || $0.hasPrefix("window/") }
      .compactMap { name in
        try journal.result(
          PlacementOutcome.self, stage: SearchStage.placement.rawValue, name: name
        ).map { (name: name, outcome: $0) }
      }
      .sorted { order($0.outcome) < order($1.outcome) }
    return try outcomes.map { name, outcome in
      let objective = name.split(separator: "/").dropFirst().first.map(String.init) ?? ""
      return PlacementRow(
        objective: objective, strategy: outcome.strategy, placed: outcome.problem.choice.rawValue,
        count: outcome.problem.count, placement: outcome.placement.key,
        score: Estimate(outcome.score),
        differenceToUniform: outcome.strategy == PlacementRow.uniformStrategy
          ? nil : try difference(outcome, outcomes.map(\.outcome)))
    }
  }

  /// Full attention before windows, then by the number of layers, then as the configuration names the strategies.
  private func order(_ outcome: PlacementOutcome) -> (Int, Int, Int) {
    let strategy = configuration.placement.strategies.firstIndex {
      $0.rawValue == outcome.strategy
    }
    return (
      outcome.problem.choice == .full ? 0 : 1, outcome.problem.count,
      strategy ?? configuration.placement.strategies.count
    )
  }

  /// An outcome's score less uniform's, item by item where the journal has both candidates.
  private func difference(
    _ outcome: PlacementOutcome, _ all: [PlacementOutcome]
  ) throws -> Estimate? {
    guard
      let uniform = all.first(where: {
        $0.strategy == PlacementRow.uniformStrategy && $0.problem == outcome.problem
      }), let pair = try journal.pair(outcome.placement, uniform.placement, score: outcome.score)
    else { return nil }
    return Estimate(pair.0.difference(to: pair.1))
  }

  // MARK: Blocks

  private func candidates(_ stage: SearchStage) throws -> [TrainedCandidate] {
    try StageCosts(journal: journal).candidates(stage)
  }

  private func chosenName(_ stage: SearchStage) throws -> String? {
    try journal.result(String.self, stage: stage.rawValue, name: "chosen")
  }

  private func scores(_ candidate: TrainedCandidate) -> [TaskScore] {
    candidate.observations.sorted { $0.key < $1.key }.map {
      TaskScore(task: $0.key, score: Estimate(Score(of: $0.value)))
    }
  }

  private func title(_ candidate: TrainedCandidate) -> String {
    candidate.linear.linear.map { type(of: $0).title } ?? candidate.name
  }

  /// The block that the last stage with a choice has chosen, with its sizes.
  func chosenBlock() throws -> String? {
    let stages: [SearchStage] = [.blocks, .newBlock, .grid]
    guard let name = try stages.compactMap(chosenName).last else { return nil }
    return try stages.flatMap(candidates).last { $0.name == name }.map { candidate in
      let sizes = candidate.linear.linear?.stateSizes
      return title(candidate)
        + (sizes.map { " (\($0.heads) heads of \($0.keyWidth) × \($0.valueWidth))" } ?? "")
    }
  }

  private func row(_ candidate: TrainedCandidate, _ chosen: String?) -> BlockRow {
    let title = title(candidate)
    let isPlain = candidate.name == candidate.linear.kind
    return BlockRow(
      name: isPlain ? title : "\(title), \(candidate.name)",
      parameterCount: candidate.parameterCount, scores: scores(candidate),
      trainingTokensPerSecond: Estimate(candidate.trainingTokensPerSecond),
      decodeTokensPerSecond: Estimate(candidate.rates.decodeTokensPerSecond),
      stateBytes: candidate.layerStateBytes, isChosen: candidate.name == chosen)
  }

  func blocks() throws -> [BlockRow] {
    let chosen = try chosenName(.blocks)
    return try candidates(.blocks).map { row($0, chosen) }
  }

  func ablations() throws -> [BlockRow] {
    let chosen = try chosenName(.newBlock)
    return try candidates(.newBlock).map { row($0, chosen) }
  }

  func grid() throws -> [GridRow] {
    let guide = configuration.placement.guide
    let metric = configuration.grid.rule.metric
    guard let around = try gridStart() else { return [] }
    let all = try [around] + candidates(.grid)
    guard all.count > 1 else { return [] }
    let points = all.map {
      (
        rate: $0.rates.decodeTokensPerSecond,
        score: Score(of: $0.observations(metric, guide: guide))
      )
    }
    let chosen = try chosenName(.grid)
    return zip(all, points).compactMap { candidate, point in
      guard let sizes = candidate.linear.linear?.stateSizes else { return nil }
      let isBeaten = points.contains {
        $0.rate >= point.rate && $0.score.value >= point.score.value
          && ($0.rate > point.rate || $0.score.value > point.score.value)
      }
      return GridRow(
        keyWidth: sizes.keyWidth, valueWidth: sizes.valueWidth, headCount: sizes.heads,
        parameterCount: candidate.parameterCount, stateBytes: candidate.layerStateBytes,
        tokensPerSecond: Estimate(point.rate), score: Estimate(point.score), isOnFront: !isBeaten,
        isChosen: candidate.name == chosen)
    }
  }

  /// The block that the grid was made around.
  private func gridStart() throws -> TrainedCandidate? {
    let name = try chosenName(.newBlock) ?? chosenName(.blocks)
    return try (candidates(.newBlock) + candidates(.blocks)).first { $0.name == name }
  }

  func gains() throws -> [GainStep] {
    let names = Dictionary(
      uniqueKeysWithValues: try [SearchStage.blocks, .newBlock, .grid].map {
        ($0, try chosenName($0))
      })
    let all = try candidates(.blocks) + candidates(.newBlock) + candidates(.grid)
    func step(_ title: String, _ stage: SearchStage) -> GainStep? {
      guard let name = names[stage] ?? nil, let own = all.last(where: { $0.name == name }) else {
        return nil
      }
      return GainStep(name: "\(title): \(name)", scores: scores(own))
    }
    let first = try candidates(.blocks).first.map {
      GainStep(name: "searched placement, \($0.name)", scores: scores($0))
    }
    return [
      first, step("block", .blocks), step("new block", .newBlock), step("sizes", .grid),
    ].compactMap { $0 }
  }
}

extension Journal {
  /// Two placements that one objective scored, the first with a known score.
  fileprivate func pair(
    _ first: Placement, _ second: Placement, score: Score
  ) throws -> (Candidate, Candidate)? {
    for (objective, _) in try candidateCounts() {
      if let a = try candidate(first, objective: objective), a.score == score,
        let b = try candidate(second, objective: objective)
      {
        return (a, b)
      }
    }
    return nil
  }
}
