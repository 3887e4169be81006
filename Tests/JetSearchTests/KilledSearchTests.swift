import Foundation
import JetCheckpoint
import JetEvaluation
import JetTensor
import JetTestSupport
import Testing

@testable import JetSearch

@Suite("A killed search") struct KilledSearchTests {
  @Test(
    "killed by SIGKILL at any moment and resumed, runs decide the same and end in the same bits"
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
    // Each child does about a sixth of the work before it is killed, at a moment that nobody chose.
    setenv("JET_KILL_MICROSECONDS", String(Int(seconds * 1e6 / 3)), 1)
    for name in ["killed-1", "killed-2", "killed-3"] {
      setenv("JET_KILL_RUN", name, 1)
      for _ in 0..<7 {
        await #expect(processExitsWith: .signal(SIGKILL)) { try Self.runUntilKilled() }
      }
      try PostNAS.begin(tiny.configuration(), in: tiny.run(name)).run()
      try expectSame(tiny.run(name), tiny.run("whole"))
    }
  }

  /// The work of a child: a run in the parent's folder, and a killer beside it.
  private static func runUntilKilled() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-search-\(getppid())")
    let environment = ProcessInfo.processInfo.environment
    guard let name = environment["JET_KILL_RUN"],
      let most = environment["JET_KILL_MICROSECONDS"].flatMap(UInt32.init)
    else { return }
    Thread.detachNewThread {
      usleep(UInt32.random(in: 0..<most))
      kill(getpid(), SIGKILL)
    }
    let configuration = try SearchConfiguration(
      contentsOf: place.appending(path: "search.yaml").path)
    try PostNAS.begin(configuration, in: SearchFolder(place.appending(path: name))).run()
    // Faster than the killer: it comes.
    sleep(60)
  }

  private func expectSame(_ killed: SearchFolder, _ whole: SearchFolder) throws {
    #expect(try Self.decisions(killed) == Self.decisions(whole))
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
        "\(name) \(own?.validationLosses ?? []) \(own?.tasks.flatMap(\.items).map { $0.values.sorted { $0.key < $1.key } } ?? [])"
      )
    }
    return lines
  }
}
