import Foundation
import JetEvaluation
import Testing

@testable import JetSearch

/// Expects that two runs decided the same and ended in the same weights, bit for bit.
func expectSame(_ killed: SearchFolder, _ whole: SearchFolder) throws {
  #expect(try decisions(killed) == decisions(whole))
  for name in FinalStage.names {
    let (own, other) = (
      FinalStage.model(name, in: killed), FinalStage.model(name, in: whole)
    )
    for file in ["model.safetensors", "config.json"] {
      let same =
        try Data(contentsOf: own.appending(path: file))
        == Data(contentsOf: other.appending(path: file))
      #expect(same, "\(name)/\(file)")
    }
  }
}

/// All that a run found, apart from times and rates.
private func decisions(_ folder: SearchFolder) throws -> [String] {
  let journal = try Journal(reading: folder.journalFile)
  var lines: [String] = []
  for (objective, count) in try journal.candidateCounts().sorted(by: {
    $0.objective < $1.objective
  }) {
    lines.append("\(objective) \(count)")
    for own in try journal.candidates(objective: objective).sorted(by: {
      $0.placement.key < $1.placement.key
    }) {
      lines.append("\(own.placement) \(own.observations)")
    }
  }
  let placements = try journal.names(stage: "placement").sorted()
  for name in placements where name.hasPrefix("full/") || name.hasPrefix("window/") {
    let own = try journal.result(PlacementOutcome.self, stage: "placement", name: name)
    lines.append("\(name) \(own?.placement.key ?? "none")")
  }
  lines.append(
    "\(String(describing: try journal.result(ChosenPlacements.self, stage: "placement", name: "chosen")))"
  )
  for stage in [SearchStage.blocks, .newBlock, .grid] {
    for own in try StageCosts(journal: journal).candidates(stage).sorted(by: { $0.name < $1.name }
    ) {
      lines.append("\(stage) \(own.name) \(own.observations.sorted { $0.key < $1.key })")
    }
    lines.append(
      "\(stage) \(try journal.result(String.self, stage: stage.rawValue, name: "chosen") ?? "none")"
    )
  }
  for name in FinalStage.names {
    let own = try journal.result(ModelScores.self, stage: "scores", name: "scores/\(name)")
    lines.append(
      "\(name) \(own?.validationLosses ?? []) \(own?.tasks.flatMap(\.items).map { $0.values.sorted { $0.key < $1.key } } ?? [])"
    )
  }
  return lines
}
