import Foundation
import JetCheckpoint
import JetTensor

/// A run of PostNAS: a configuration, a folder, and the stages between them.
///
/// ```swift
/// let configuration = try SearchConfiguration(contentsOf: "search.yaml")
/// let search = try PostNAS.begin(configuration, in: SearchFolder(URL(filePath: "runs/first")))
/// search.report = { print($0.line) }
/// try search.run()
/// ```
///
/// Killed at any moment and resumed, a run decides the same and ends in the same weights, bit for bit, on the same
/// device with the same number of threads. Measured rates are recorded once; choices come from what was recorded.
public final class PostNAS {
  /// Told what happens.
  public var report: (SearchProgress) -> Void = { _ in }
  /// Asked after each step of training and each candidate whether to end here.
  public var shouldStop: () -> Bool = { false }
  /// What the run will take of memory and disk.
  public let needs: SearchNeeds
  /// Its folder.
  public let folder: SearchFolder
  /// Its values.
  public let configuration: SearchConfiguration

  private let checkpoint: Checkpoint
  private let lock: FolderLock

  /// Begins a run, or goes on with the same one.
  ///
  /// - Throws: ``SearchError`` when the folder has another run or another process works on it, when a constraint is
  ///   impossible, a file is missing, or memory or disk are too small; before anything is computed.
  public static func begin(
    _ configuration: SearchConfiguration, in folder: SearchFolder
  ) throws -> PostNAS {
    let (checkpoint, needs) = try checked(configuration)
    // A run that does not fit leaves no folder behind.
    if !folder.exists { try needs.expectRoom(on: configuration.runDevice, in: folder.url) }
    try folder.begin(configuration) {
      try SearchConfiguration(resolved: $0, file: folder.configurationFile.path) == configuration
    }
    return try PostNAS(
      configuration, folder, checkpoint, needs, FolderLock(folder, canBeJoined: true))
  }

  /// Goes on with the run of a folder.
  ///
  /// - Throws: ``SearchError`` when there is none, and as ``begin(_:in:)``.
  public static func resume(_ folder: SearchFolder) throws -> PostNAS {
    try begin(folder.configuration(), in: folder)
  }

  /// Works on the run of a folder beside the process that began it: on what no other process has in hand.
  ///
  /// Trainings and candidates that do not depend on each other are then done at once, and all processes come to the same
  /// results. Give each a GPU of its own, all of one kind. One that ends early leaves its work to the others.
  ///
  /// - Throws: ``SearchError`` when there is no run, and as ``begin(_:in:)``.
  public static func join(_ folder: SearchFolder) throws -> PostNAS {
    let configuration = try folder.configuration()
    let (checkpoint, needs) = try checked(configuration)
    return try PostNAS(configuration, folder, checkpoint, needs, FolderLock(joining: folder))
  }

  /// The teacher of a configuration that can be met, and what the run takes.
  private static func checked(
    _ configuration: SearchConfiguration
  ) throws -> (Checkpoint, SearchNeeds) {
    try configuration.validate()
    let checkpoint = try Checkpoint(configuration.teacher)
    try SearchPlan.check(configuration, teacher: checkpoint.configuration)
    try FileCheck.expectFiles(configuration)
    return (checkpoint, try SearchNeeds(configuration, teacher: checkpoint.configuration))
  }

  private init(
    _ configuration: SearchConfiguration, _ folder: SearchFolder, _ checkpoint: Checkpoint,
    _ needs: SearchNeeds, _ lock: FolderLock
  ) {
    self.configuration = configuration
    self.folder = folder
    self.checkpoint = checkpoint
    self.lock = lock
    self.needs = needs
  }

  /// Runs all stages that are not done.
  ///
  /// - Throws: ``SearchStopped`` when it was asked to stop and all is kept; what data, models and disk throw.
  public func run() throws {
    try needs.expectRoom(on: configuration.runDevice, in: folder.url)
    let session = try makeSession()
    let journal = session.journal
    _ = try session.once(.data, "begun") { Date().timeIntervalSince1970 }
    _ = try session.once(.data, "machine") { try RunMachine.present(configuration.runDevice) }
    try DataStage(session: session).run()
    try finish(.data, journal)
    let chosen: ChosenPlacements
    if let known = try journal.result(
      ChosenPlacements.self, stage: SearchStage.placement.rawValue, name: "chosen")
    {
      chosen = known
    } else {
      let (network, summary) = try SuperNetworkStage(session: session).run()
      try finish(.superNetwork, journal)
      chosen = try PlacementStage(session: session, network: network, weights: summary.identity)
        .run()
    }
    try finish(.superNetwork, journal)
    try finish(.placement, journal)
    let stages = BlockStages(session: session, placement: chosen.searched)
    let block = try stages.blocks()
    try finish(.blocks, journal)
    let form = try stages.newBlock(against: block)
    try finish(.newBlock, journal)
    let sized = try stages.grid(around: form)
    try finish(.grid, journal)
    let architectures = [
      "searched": SearchedArchitecture(placement: chosen.searched, linear: sized.linear),
      "uniform": SearchedArchitecture(placement: chosen.uniform, linear: sized.linear),
    ]
    _ = try session.once(.final, "architectures") { architectures }
    try FinalStage(session: session).run(architectures)
    try finish(.final, journal)
    try FinalScores(session).run()
    try finish(.scores, journal)
    _ = try session.once(.export, "model") { () -> String in
      try session.begin(.export, "export")
      // Copied by a process that was killed before it could say so?
      if !FileManager.default.fileExists(atPath: folder.export.path) {
        try ExportStage(folder: folder).export(to: folder.export)
      }
      return folder.relative(folder.export)
    }
    try finish(.export, journal)
    try SearchReport(folder).write()
    session.tell(
      .export, "done", "the model is in \(folder.export.path), the report is \(folder.report.path)")
  }

  /// Searches other placements on the trained super network; all candidates that are known are reused.
  ///
  /// - Parameters:
  ///   - size: layers of full attention.
  ///   - strategy: how they are looked for.
  ///   - objective: one of the configuration's; its guide when nil.
  ///   - beamWidth: the configuration's when nil.
  ///   - trains: whether the super network may be trained where it is not, and gates where they are asked for.
  /// - Throws: ``SearchError`` when something would have to be trained and may not.
  public func search(
    size: Int, strategy: PlacementConfiguration.StrategyName, objective: String? = nil,
    beamWidth: Int? = nil, trains: Bool
  ) throws -> PlacementOutcome {
    if strategy == .gates, !trains {
      throw SearchError("gates are trained; choose another strategy or allow training")
    }
    let session = try makeSession()
    try DataStage(session: session).run()
    let stage = SuperNetworkStage(session: session)
    guard let (network, summary) = try trains ? stage.run() : stage.trained() else {
      throw SearchError(
        "the super network of \(folder.url.path) is not trained yet; go on with 'jet postnas resume "
          + "\(folder.url.path)', or allow training")
    }
    return try PlacementStage(session: session, network: network, weights: summary.identity).search(
      size: size, strategy: strategy, objective: objective ?? configuration.placement.guide,
      beamWidth: beamWidth ?? configuration.placement.beamWidth)
  }

  private func makeSession() throws -> SearchSession {
    if let threads = configuration.threads { try Runtime.setThreadCount(threads) }
    try configuration.runDevice.prepare()
    let session = try SearchSession(
      configuration, folder: folder, place: lock.place, checkpoint: checkpoint)
    session.report = report
    session.shouldStop = shouldStop
    return session
  }

  private func finish(_ stage: SearchStage, _ journal: Journal) throws {
    _ = try journal.keep(
      StageCosts(journal: journal).record(stage), stage: "stages", name: stage.rawValue)
  }
}
