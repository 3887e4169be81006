import JetTraining

/// What a stage took, summed up from what its parts recorded.
struct StageCosts {
  let journal: Journal

  func record(_ stage: SearchStage) throws -> StageRecord {
    var record = StageRecord()
    switch stage {
    case .superNetwork:
      if let own = try journal.result(
        SuperNetworkStage.Summary.self, stage: stage.rawValue, name: "network")
      {
        record = own.record
      }
    case .placement:
      record.seconds = try journal.candidateSeconds()
    case .blocks, .newBlock, .grid:
      for own in try candidates(stage) { record.add(own.record) }
    case .final:
      var hasLayers = false
      for name in try journal.names(stage: stage.rawValue)
      where name.hasPrefix(FinalStage.result("")) {
        guard
          let own = try journal.result(StageRecord.self, stage: stage.rawValue, name: name)
        else { continue }
        let isPart = name.hasPrefix(FinalStage.result("layers"))
        if isPart, hasLayers { record.add(part: own) } else { record.add(own) }
        hasLayers = hasLayers || isPart
      }
    case .data, .scores, .export: break
    }
    return record
  }

  /// The candidates of a stage in the configuration's order.
  func candidates(_ stage: SearchStage) throws -> [TrainedCandidate] {
    try journal.names(stage: stage.rawValue).filter { $0.hasPrefix("candidate/") }
      .compactMap { try journal.result(TrainedCandidate.self, stage: stage.rawValue, name: $0) }
      .enumerated().sorted {
        ($0.element.index ?? 0, $0.offset) < ($1.element.index ?? 0, $1.offset)
      }
      .map(\.element)
  }
}
