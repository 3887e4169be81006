import Foundation
import JetCheckpoint
import JetTensor
import JetTestSupport
import Testing

@testable import JetSearch

@Suite("A killed search") struct KilledSearchTests {
  @Test(
    "killed by SIGKILL twenty times on its way and resumed, a run decides the same and ends in the same bits"
  )
  func killed() async throws {
    // The child knows its parent's number, and so the folder.
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-search-\(getpid())")
    defer {
      do { try FileManager.default.removeItem(at: place) } catch { print("not removed: \(error)") }
    }
    let tiny = try TinySearch(place)
    let start = ContinuousClock.now
    try PostNAS.begin(tiny.configuration(), in: tiny.run("whole")).run()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    // Each child does about a twentieth of the work before it is killed, at a moment that nobody chose.
    let most = String(Int(seconds * 1e6 / 6))
    setenv("JET_KILL_MICROSECONDS", most, 1)
    for _ in 0..<20 {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        let place = FileManager.default.temporaryDirectory
          .appending(path: "jet-search-\(getppid())")
        let environment = ProcessInfo.processInfo.environment["JET_KILL_MICROSECONDS"]
        let most = environment.flatMap(UInt32.init) ?? 500_000
        Thread.detachNewThread {
          usleep(UInt32.random(in: 0..<most))
          kill(getpid(), SIGKILL)
        }
        let configuration = try SearchConfiguration(
          contentsOf: place.appending(path: "search.yaml").path)
        try PostNAS.begin(configuration, in: SearchFolder(place.appending(path: "killed"))).run()
        // Faster than the killer: it comes.
        sleep(60)
      }
    }
    try PostNAS.resume(tiny.run("killed")).run()
    let (whole, killed) = (tiny.run("whole"), tiny.run("killed"))
    #expect(try Self.decisions(killed) == Self.decisions(whole))
    for name in FinalStage.names {
      #expect(
        try Data(
          contentsOf: FinalStage.model(name, in: killed).appending(path: "model.safetensors"))
          == Data(
            contentsOf: FinalStage.model(name, in: whole).appending(path: "model.safetensors")))
    }
    #expect(
      try Data(contentsOf: killed.export.appending(path: "config.json"))
        == Data(contentsOf: whole.export.appending(path: "config.json")))
  }

  /// All that a run found, apart from times and rates.
  private static func decisions(_ folder: SearchFolder) throws -> [String] {
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
        "\(name) \(own?.validationLosses ?? []) \(own?.tasks.flatMap(\.items).map(\.values) ?? [])")
    }
    return lines
  }
}
