public import Foundation
import JetCheckpoint
import JetModels
import JetTensor
import JetTraining

/// A hybrid to be trained without a search: a configuration with its architecture.
public struct HybridTrainingConfiguration: Codable, Hashable, Sendable {
  /// Where attention stays, and what mixes the tokens elsewhere.
  public struct Architecture: Codable, Hashable, Sendable {
    /// A letter a layer: F full attention, W attention to a window, L linear.
    public var placement: String
    /// The kind of the linear layers.
    public var linear: String
    /// Heads and widths of the linear layers; those of the teacher's attention when nil.
    public var sizes: GridConfiguration.Row?
    /// Tokens of a window.
    public var window: Int?
  }

  /// The values of a search that count here: teacher, data, training, final.
  public var search: SearchConfiguration
  /// The architecture.
  public var architecture: Architecture

  /// Reads a YAML file.
  ///
  /// - Throws: ``SearchError`` with file and line.
  public init(contentsOf path: String, locate: (String) throws -> String = { $0 }) throws {
    let parts = try ConfigurationFile.separate(
      ConfigurationFile.text(path), key: "architecture", file: path)
    search = try SearchConfiguration(
      yaml: parts.rest, file: path,
      folder: URL(filePath: path).absoluteURL.deletingLastPathComponent(), locate: locate)
    architecture = try ConfigurationFile.values(
      parts.own, over: Architecture(placement: "", linear: search.superNetwork.linear), file: path)
    // Windows are checked and sized as a search does it.
    if architecture.placement.contains("W") {
      search.placement.windows = WindowConfiguration(
        layers: 1, size: architecture.window, objective: search.placement.guide)
    }
    search.placement.sizes = [1]
    search.placement.size = 1
  }
}

/// The training of one given hybrid: conversion, layer by layer, then all weights.
public final class HybridTraining {
  /// Told what happens.
  public var report: (SearchProgress) -> Void = { _ in }
  /// Asked after each step whether to end here.
  public var shouldStop: () -> Bool = { false }

  private let configuration: HybridTrainingConfiguration
  private let folder: SearchFolder
  private let checkpoint: Checkpoint
  private let needs: SearchNeeds
  private let placement: Placement
  private let linear: MixerConfiguration
  private let lock: FolderLock

  /// A training in a folder, begun or gone on with.
  ///
  /// - Throws: ``SearchError`` for an architecture that does not fit the teacher, or a folder with another run.
  public init(_ configuration: HybridTrainingConfiguration, in folder: SearchFolder) throws {
    self.configuration = configuration
    self.folder = folder
    checkpoint = try Checkpoint(configuration.search.teacher)
    let teacher = checkpoint.configuration
    try SearchPlan.check(configuration.search, teacher: teacher)
    try FileCheck.expectFiles(configuration.search)
    let own = configuration.architecture
    guard let placement = Placement(key: own.placement),
      placement.choices.count == teacher.mixers.count, placement.choices.contains(.linear)
    else {
      throw SearchError(
        "'architecture.placement' is '\(own.placement)'; give one letter F, W or L for each of the "
          + "teacher's \(teacher.mixers.count) layers, L at least once")
    }
    self.placement = placement
    try SearchConfiguration.kind("architecture.linear", own.linear)
    try own.sizes?.validate("architecture.sizes")
    try expect("architecture.window", own.window ?? 1, from: 1)
    let plain = try SearchPlan.linear(own.linear, teacher)
    guard let sized = own.sizes.map({ GridRows.resized(plain, to: $0) }) ?? plain else {
      throw SearchError(
        "'architecture.sizes' are given for \(own.linear), whose sizes follow from the teacher; leave them out"
      )
    }
    linear = sized
    needs = try SearchNeeds(configuration.search, teacher: teacher)
    // A run that does not fit leaves no folder behind.
    if !folder.exists {
      try needs.expectRoom(on: configuration.search.runDevice, in: folder.url)
    }
    try folder.begin(configuration)
    lock = try FolderLock(folder, canBeJoined: false)
  }

  /// Trains to the end.
  ///
  /// - Returns: the folder of the model.
  /// - Throws: ``SearchStopped`` when it was asked to stop.
  public func run() throws -> URL {
    let own = configuration.search
    try needs.expectRoom(on: own.runDevice, in: folder.url)
    if let threads = own.threads { try Runtime.setThreadCount(threads) }
    try own.runDevice.prepare()
    let session = try SearchSession(
      own, folder: folder, place: lock.place, checkpoint: checkpoint)
    session.report = report
    session.shouldStop = shouldStop
    try DataStage(session: session).run()
    try FinalStage(session: session).run([
      "searched": SearchedArchitecture(placement: placement, linear: linear)
    ])
    if !FileManager.default.fileExists(atPath: folder.export.path) {
      try ExportStage(folder: folder).export(to: folder.export)
    }
    return folder.export
  }
}
