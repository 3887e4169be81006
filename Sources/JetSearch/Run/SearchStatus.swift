import Foundation
import JetEvaluation
import JetTraining

/// How far a run is, read from its folder; another process may be working on it.
public struct SearchStatus: Sendable {
  /// A line of the list of stages.
  public struct Line: Hashable, Sendable {
    /// The stage.
    public var stage: SearchStage
    /// What it took; nil while it is not done.
    public var record: StageRecord?
  }

  /// The processes that work on the run, those that joined it last.
  public var processes: [Int]
  /// All stages.
  public var stages: [Line]
  /// What each process works on, or the last one worked on: `gla, 2 of 3: step 40/100 …`; none before the first unit and
  /// after the last.
  public var activities: [String]
  /// Candidates that were scored, by objective, with the best of each.
  public var candidates: [String]
  /// What was decided so far: the placement, the blocks.
  public var decisions: [String]

  /// Reads a run.
  ///
  /// - Throws: ``SearchError`` when there is none.
  public init(_ folder: SearchFolder) throws {
    let configuration = try folder.configuration()
    let holders = FolderLock.holders(folder)
    processes = holders.sorted { $0.key < $1.key }.map(\.value)
    guard FileManager.default.fileExists(atPath: folder.journalFile.path) else {
      stages = SearchStage.allCases.map { Line(stage: $0, record: nil) }
      (activities, candidates, decisions) = ([], [], [])
      return
    }
    let journal = try Journal(reading: folder.journalFile)
    stages = try SearchStage.allCases.map {
      Line(
        stage: $0,
        record: try journal.result(StageRecord.self, stage: "stages", name: $0.rawValue))
    }
    candidates = try journal.candidateCounts().map { objective, count in
      let name = objective.split(separator: "/").dropLast().joined(separator: "/")
      let best = try journal.bestCandidate(objective: objective)
      return "\(name): \(count) placements"
        + (best.map { ", the best \($0.placement) with \(decimals($0.score.value, 5))" } ?? "")
    }
    decisions = try Self.decisions(journal, configuration)
    let isDone = stages.last?.record != nil
    activities = try (isDone ? [] : holders.isEmpty ? [0] : holders.keys.sorted()).compactMap {
      try journal.result(SearchActivity.self, stage: "run", name: SearchActivity.name(place: $0))
        .map { try Self.text($0, folder) }
    }
  }

  private static func text(_ activity: SearchActivity, _ folder: SearchFolder) throws -> String {
    var text = "\(activity.stage.title): \(activity.unit)"
    if activity.count > 1 { text += ", \(activity.index) of \(activity.count)" }
    guard let training = activity.training else { return text }
    // A final model goes on from one phase to the next in the same folder.
    let own = RunFolder(folder.url.appending(path: training))
    let next = RunFolder(
      folder.url.appending(path: training).deletingLastPathComponent().appending(
        path: "all-weights"))
    if let last = try next.reports().last ?? own.reports().last { text += ": \(last.line)" }
    return text
  }

  private static func decisions(
    _ journal: Journal, _ configuration: SearchConfiguration
  ) throws -> [String] {
    var lines: [String] = []
    if let chosen = try journal.result(
      ChosenPlacements.self, stage: SearchStage.placement.rawValue, name: "chosen")
    {
      lines.append("placement \(chosen.searched), uniform \(chosen.uniform)")
    }
    for own in try journal.results(
      forPrefix: "difference/", stage: .placement, as: PlacementDifference.self)
    {
      lines.append(
        "searched minus uniform, \(own.objective): \(decimals(own.difference.value, 5))"
          + (own.difference.standardError.map { " ± \(decimals($0, 5))" } ?? ""))
    }
    for stage in [SearchStage.blocks, .newBlock, .grid] {
      if let name = try journal.result(String.self, stage: stage.rawValue, name: "chosen") {
        lines.append("\(stage.title): \(name)")
      }
    }
    return lines
  }

  /// For people, a line each.
  public var text: String {
    var lines = [
      processes.isEmpty
        ? "not running"
        : "running, process \(processes.map(String.init).joined(separator: ", "))"
    ]
    for line in stages {
      let mark = line.record == nil ? " " : "x"
      var text = "[\(mark)] \(line.stage.number) \(line.stage.title)"
      if let record = line.record {
        if record.tokens > 0 { text += "  \(record.tokens) tokens" }
        if record.seconds > 0 { text += "  \(duration(record.seconds))" }
        if record.operations > 0 {
          text += "  \(String(format: "%.2e", record.operations)) operations"
        }
      }
      lines.append(text)
    }
    lines += activities.map { (processes.isEmpty ? "last: " : "now: ") + $0 }
    lines += candidates.map { "scored  \($0)" }
    lines += decisions.map { "decided \($0)" }
    return lines.joined(separator: "\n")
  }
}

extension Journal {
  /// The values of a stage whose names begin alike, in the order in which they were first recorded.
  func results<Value: Decodable>(
    forPrefix prefix: String, stage: SearchStage, as type: Value.Type
  ) throws -> [Value] {
    try names(stage: stage.rawValue).filter { $0.hasPrefix(prefix) }
      .compactMap { try result(type, stage: stage.rawValue, name: $0) }
  }
}
