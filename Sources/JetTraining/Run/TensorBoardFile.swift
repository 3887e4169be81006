import Foundation
import JetFormats

/// A file of a run's numbers for TensorBoard, beside its metrics.
///
/// A resumed run goes on in the same file, from which the steps that it does again are cut.
struct TensorBoardFile {
  /// TensorBoard reads what has `tfevents` in its name.
  static let name = "events.out.tfevents.0.jet"

  let url: URL

  /// Appends the numbers of a report.
  func append(_ report: StepReport, time: Double) throws {
    let event = TensorBoardEvent(time: time, step: report.step, scalars: Self.scalars(report))
    guard let handle = FileHandle(forWritingAtPath: url.path) else {
      let first = TensorBoardEvent.first(time: time)
      return try AtomicFile.write(Data(first.record + event.record), to: url)
    }
    defer { handle.closeFile() }
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(event.record))
  }

  /// Removes events after `step`, and whatever follows the first record that is damaged or cut off.
  func truncate(after step: Int) throws {
    guard let data = FileManager.default.contents(atPath: url.path) else { return }
    let bytes = [UInt8](data)
    var end = 0
    for record in Self.records(bytes) {
      if let found = Self.step(record.message), found > step { break }
      end = record.end
    }
    try AtomicFile.write(Data(bytes[..<end]), to: url)
  }

  /// The whole records from the beginning on: their messages, and where each ends.
  static func records(_ bytes: [UInt8]) -> [(message: ArraySlice<UInt8>, end: Int)] {
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    var records: [(message: ArraySlice<UInt8>, end: Int)] = []
    var start = 0
    while start + 16 <= bytes.count {
      let length = bytes[start..<start + 8]
      guard number(bytes[start + 8..<start + 12]) == CRC32C.masked(length),
        let count = Int(exactly: number(length)), count <= bytes.count - start - 16
      else { break }
      let message = bytes[start + 12..<start + 12 + count]
      let end = start + 16 + count
      guard number(bytes[end - 4..<end]) == CRC32C.masked(message) else { break }
      records.append((message, end))
      start = end
    }
    return records
  }

  /// The step of an event as ``TensorBoardEvent`` writes it: after the nine bytes of its time.
  private static func step(_ message: ArraySlice<UInt8>) -> Int? {
    guard message.count > 10, message[message.startIndex + 9] == 2 << 3 else { return nil }
    var step: UInt64 = 0
    for (index, byte) in message.dropFirst(10).prefix(9).enumerated() {
      step |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 { return Int(exactly: step) }
    }
    return nil
  }

  private static func scalars(_ report: StepReport) -> [TensorBoardEvent.Scalar] {
    var values = report.parts.map { ("loss/\($0.key)", $0.value) }
    values += [
      ("loss", report.loss), ("run/rate", report.rate), ("run/gradientNorm", report.gradientNorm),
      ("run/tokens", Double(report.tokens)), ("run/tokensPerSecond", report.tokensPerSecond),
      ("run/skipped", Double(report.skipped)), ("run/memoryBytes", Double(report.memoryBytes)),
    ]
    if let share = report.peakShare { values.append(("run/peakShare", share)) }
    return values.sorted { $0.0 < $1.0 }.map { TensorBoardEvent.Scalar(tag: $0, value: Float($1)) }
  }
}
