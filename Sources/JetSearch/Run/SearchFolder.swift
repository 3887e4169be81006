public import Foundation
import JetFormats
import JetTraining

/// A run of PostNAS on disk.
///
///     config.json      all values of the run, resolved
///     journal.sqlite   what was scored, measured and decided
///     lock             held by the process that works on the run; lock-1 and on by those that joined it
///     claims/          what is in whose hands
///     shards/          the training text as tokens
///     stages/          a folder for each training run, and for the gates
///     report.html      what came out
///     export/          the searched model
public struct SearchFolder: Sendable {
  /// The folder.
  public let url: URL

  /// A run at `url`; nothing is read or written yet.
  public init(_ url: URL) { self.url = url }

  var configurationFile: URL { url.appending(path: "config.json") }
  var journalFile: URL { url.appending(path: "journal.sqlite") }
  var shards: URL { url.appending(path: "shards") }
  var validationShards: URL { url.appending(path: "shards/validation") }
  /// The page that shows what came out.
  public var report: URL { url.appending(path: "report.html") }
  /// The searched model.
  public var export: URL { url.appending(path: "export") }

  /// The folder of a stage's training run.
  func training(_ stage: SearchStage, _ unit: String) -> URL {
    url.appending(path: "stages/\(stage.number)-\(stage.rawValue)/\(unit)")
  }

  /// The path of something in the folder, from the folder.
  func relative(_ other: URL) -> String {
    other.path.hasPrefix(url.path + "/")
      ? String(other.path.dropFirst(url.path.count + 1)) : other.path
  }

  /// Whether a run was begun here.
  public var exists: Bool { FileManager.default.fileExists(atPath: configurationFile.path) }

  /// Begins a run, or finds the same one.
  ///
  /// - Parameters:
  ///   - configuration: the run's.
  ///   - isSame: whether what was written before, by an earlier version perhaps, says the same with other words.
  /// - Throws: ``SearchError`` when a run with another configuration lives there.
  func begin(
    _ configuration: some Encodable, isSame: (Data) throws -> Bool = { _ in false }
  ) throws {
    let text = try ConfigurationFile.json(configuration) + Data("\n".utf8)
    if let old = FileManager.default.contents(atPath: configurationFile.path) {
      guard try old == text || isSame(old) else {
        throw SearchError(
          "\(url.path) holds a run with another configuration; give another folder, or go on with "
            + "that one by 'jet postnas resume \(url.path)'")
      }
      return
    }
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw SearchError(
        "\(url.path) cannot be made: \(error.localizedDescription); give a folder that can be written"
      )
    }
    try AtomicFile.write(text, to: configurationFile)
  }

  /// The configuration of the run.
  ///
  /// - Throws: ``SearchError`` when there is no run.
  public func configuration() throws -> SearchConfiguration {
    guard let data = FileManager.default.contents(atPath: configurationFile.path) else {
      throw SearchError(
        "\(url.path) holds no run of PostNAS; begin one by 'jet postnas run CONFIG \(url.path)'")
    }
    // What is no JSON gets its sentence below.
    if let values = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      values["architecture"] != nil
    {
      throw SearchError(
        "\(url.path) holds a run of 'jet train', which searches nothing; give the folder of a "
          + "'jet postnas run'")
    }
    return try SearchConfiguration(resolved: data, file: configurationFile.path)
  }

  /// Copies the searched model of a finished run.
  ///
  /// - Throws: ``SearchError`` when there is none yet or the place is taken.
  public func exportModel(to place: URL) throws {
    _ = try configuration()
    try ExportStage(folder: self).export(to: place)
  }

  /// Removes what a finished training run is not needed for: its weights; its numbers stay.
  func removeCheckpoints(of training: URL) throws {
    let files = FileManager.default
    guard files.fileExists(atPath: training.path) else { return }
    for phase in try files.contentsOfDirectory(atPath: training.path) {
      let checkpoints = training.appending(path: "\(phase)/checkpoints")
      try Self.remove(checkpoints)
    }
  }

  /// Removes a file or folder; another process may have been faster.
  static func remove(_ place: URL) throws {
    for attempt in 0... {
      do {
        return try FileManager.default.removeItem(at: place)
      } catch {
        guard FileManager.default.fileExists(atPath: place.path) else { return }
        if attempt == 20 { throw error }
        usleep(50_000)
      }
    }
  }
}
