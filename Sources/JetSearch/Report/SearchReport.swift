import Foundation
import JetCheckpoint
import JetEvaluation
import JetFormats
import JetModels
public import JetReport
import JetTraining

/// The report of a run, made of its journal and its training runs' numbers alone.
public struct SearchReport {
  let folder: SearchFolder

  /// The report of a run.
  public init(_ folder: SearchFolder) { self.folder = folder }

  /// Writes ``SearchFolder/report``.
  ///
  /// - Throws: ``SearchError`` when there is no run.
  public func write() throws {
    try AtomicFile.write(Data(ReportPage(content()).html().utf8), to: folder.report)
  }

  /// All that the report says.
  public func content() throws -> ReportContent {
    let configuration = try folder.configuration()
    let journal = try Journal(reading: folder.journalFile)
    let teacher = try Checkpoint(configuration.teacher).configuration
    let parts = ReportParts(
      configuration: configuration, journal: journal, folder: folder, teacher: teacher)
    var content = ReportContent(title: "PostNAS of \(parts.teacherName)")
    content.teacher = parts.teacherName
    content.machine = try parts.machine()
    content.date = try parts.date()
    content.jetVersion = jetVersion
    content.teacherShape = parts.shape
    content.configuration = String(decoding: try configuration.json(), as: UTF8.self)
    content.importance = try parts.importance()
    content.placements = try parts.placements()
    content.chosenPlacement = try parts.chosen()?.searched.key
    content.chosenBlock = try parts.chosenBlock()
    content.blocks = try parts.blocks()
    content.ablations = try parts.ablations()
    content.grid = try parts.grid()
    content.gains = try parts.gains()
    content.losses = try parts.losses()
    content.comparison = try parts.comparison()
    content.comparisonContext = configuration.evaluation.contexts.max()
    content.contexts = try parts.contexts()
    content.costs = try parts.costs()
    content.notes = try parts.notes()
    content.missing = try parts.missing()
    return content
  }
}
