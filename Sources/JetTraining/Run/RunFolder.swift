public import Foundation
import JetFormats

/// A run on disk: its configuration, its numbers step by step, its checkpoints.
///
///     config.json          all values of the run
///     metrics.jsonl        one report a line
///     events.out.tfevents… the same for TensorBoard
///     checkpoints/step-N/  complete, or not there
public struct RunFolder: Sendable {
  /// The folder.
  public let url: URL

  /// A run at `url`; nothing is read or written yet.
  public init(_ url: URL) { self.url = url }

  private var checkpoints: URL { url.appending(path: "checkpoints") }
  private var metrics: URL { url.appending(path: "metrics.jsonl") }
  private var events: TensorBoardFile {
    TensorBoardFile(url: url.appending(path: TensorBoardFile.name))
  }
  private var configuration: URL { url.appending(path: "config.json") }

  /// Makes the folder, or checks that the run in it has the same configuration.
  ///
  /// - Throws: ``TrainingError`` when another run lives there.
  func begin(_ configuration: TrainingConfiguration) throws {
    let text = try configuration.json()
    let files = FileManager.default
    if let old = files.contents(atPath: self.configuration.path) {
      guard old == text else {
        throw TrainingError(
          "\(self.configuration.path) belongs to a run with other values; give the same values to "
            + "resume it, or another folder")
      }
      return
    }
    try files.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    try AtomicFile.write(text, to: self.configuration)
  }

  /// The complete checkpoints, oldest first.
  func checkpointSteps() throws -> [Int] {
    guard FileManager.default.fileExists(atPath: checkpoints.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: checkpoints.path)
      .compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
  }

  /// Where the checkpoint of a step lies.
  func checkpoint(_ step: Int) -> URL {
    let number = String(step)
    return checkpoints.appending(
      path: "step-" + String(repeating: "0", count: max(0, 8 - number.count)) + number)
  }

  /// Makes the checkpoint of a step: `body` fills a folder that takes its name when all is on the disk.
  ///
  /// Afterwards only the newest `kept` are left.
  func write(step: Int, keeping kept: Int, _ body: (URL) throws -> Void) throws {
    let files = FileManager.default
    try files.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    try removeRemains()
    let partial = checkpoints.appending(path: ".partial-\(step)")
    try files.createDirectory(at: partial, withIntermediateDirectories: false)
    do {
      try body(partial)
    } catch {
      // The first error is the one to report.
      try? files.removeItem(at: partial)
      throw error
    }
    let final = checkpoint(step)
    if files.fileExists(atPath: final.path) { try remove(final) }
    try rename(partial, to: final)
    for old in try checkpointSteps().dropLast(kept) { try remove(checkpoint(old)) }
  }

  /// Removes what a killed process left half made or half removed.
  private func removeRemains() throws {
    let files = FileManager.default
    for name in try files.contentsOfDirectory(atPath: checkpoints.path)
    where name.hasPrefix(".partial-") || name.hasPrefix(".removed-") {
      try files.removeItem(at: checkpoints.appending(path: name))
    }
  }

  /// A checkpoint goes as it came: at once.
  private func remove(_ folder: URL) throws {
    let gone = checkpoints.appending(path: ".removed-\(folder.lastPathComponent)")
    try rename(folder, to: gone)
    try FileManager.default.removeItem(at: gone)
  }

  private func rename(_ from: URL, to: URL) throws {
    guard Foundation.rename(from.path, to.path) == 0 else {
      throw TrainingError(
        "\(to.path) could not be made: \(String(cString: strerror(errno))); check the disk")
    }
    let descriptor = open(checkpoints.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw TrainingError("\(checkpoints.path) cannot be opened; check its permissions")
    }
    defer { close(descriptor) }
    // File systems without synchronization of folders answer EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw TrainingError("\(checkpoints.path) could not be synchronized; check the disk")
    }
  }

  /// Appends a report to the metrics and the events.
  func append(_ report: StepReport) throws {
    try events.append(report, time: Date().timeIntervalSince1970)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let line = try encoder.encode(report) + Data("\n".utf8)
    guard let handle = FileHandle(forWritingAtPath: metrics.path) else {
      return try AtomicFile.write(line, to: metrics)
    }
    defer { handle.closeFile() }
    try handle.seekToEnd()
    try handle.write(contentsOf: line)
  }

  /// Removes the reports of steps that a resumed run does again, and a line that was cut off.
  func truncateMetrics(after step: Int) throws {
    try events.truncate(after: step)
    guard let data = FileManager.default.contents(atPath: metrics.path) else { return }
    let kept = data.split(separator: 0x0A).filter { line in
      struct Numbered: Decodable { let step: Int }
      guard let found = try? JSONDecoder().decode(Numbered.self, from: Data(line)) else {
        return false
      }
      return found.step <= step
    }
    try AtomicFile.write(Data(kept.joined(separator: [0x0A])) + Data("\n".utf8), to: metrics)
  }

  /// The reports so far.
  public func reports() throws -> [StepReport] {
    guard let data = FileManager.default.contents(atPath: metrics.path) else { return [] }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try data.split(separator: 0x0A).map { try decoder.decode(StepReport.self, from: $0) }
  }
}
