import Foundation
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("TensorBoardFile")
struct TensorBoardFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var file: TensorBoardFile {
    TensorBoardFile(url: folder.url.appending(path: TensorBoardFile.name))
  }

  private func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: file.url)) }

  private func report(_ step: Int, loss: Double) -> StepReport {
    StepReport(
      step: step, steps: 1000, loss: loss, parts: ["layer.0": 0.5], rate: 1e-3, gradientNorm: 2,
      tokens: 64, tokensPerSecond: 128, skipped: 0, memoryBytes: 1 << 20, secondsLeft: 1)
  }

  @Test("the checksum is Castagnoli's, and masked as TensorFlow does")
  func checksum() {
    // RFC 3720, appendix B.4.
    #expect(CRC32C.value(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.value([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.value([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    // tensorflow/core/lib/hash: Mask(crc) = rotate right by 15, plus 0xa282ead8.
    #expect(CRC32C.masked(Array("123456789".utf8)) == 0xC78A_B0E5)
  }

  @Test("an event is the message that the schema says")
  func message() {
    let event = TensorBoardEvent(
      time: 1, step: 300, scalars: [.init(tag: "a", value: 0.5)])
    let time: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]
    let value: [UInt8] = [0x0A, 1, 0x61, 0x15, 0, 0, 0, 0x3F]
    #expect(event.message == time + [0x10, 0xAC, 0x02, 0x2A, 10, 0x0A, 8] + value)
    let first = TensorBoardEvent.first(time: 1).message
    #expect(first == time + [0x10, 0, 0x1A, 13] + Array("brain.Event:2".utf8))
  }

  @Test("records are read as they were written, and damage ends the reading")
  func records() throws {
    try file.append(report(10, loss: 3), time: 5)
    try file.append(report(20, loss: 2), time: 6)
    var bytes = try bytes()
    let records = TensorBoardFile.records(bytes)
    #expect(records.count == 3)
    #expect(records.last?.end == bytes.count)
    #expect(Array(records[0].message) == TensorBoardEvent.first(time: 5).message)
    // `loss` and its value, 2 as a float.
    let loss: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x40]
    let message = Array(records[2].message)
    #expect(message.indices.contains { message[$0...].starts(with: loss) })
    bytes[records[1].end - 6] ^= 1
    #expect(TensorBoardFile.records(bytes).count == 1)
    #expect(TensorBoardFile.records(Array(bytes[..<15])).isEmpty)
  }

  @Test("a resumed run cuts what it does again, and a record that was cut off")
  func truncation() throws {
    for step in [10, 200, 300] { try file.append(report(step, loss: 1), time: 5) }
    let whole = try bytes()
    let ends = TensorBoardFile.records(whole).map(\.end)
    try file.truncate(after: 299)
    #expect(try bytes() == Array(whole[..<ends[2]]))
    try Data(whole.dropLast(3)).write(to: file.url)
    try file.truncate(after: 1000)
    #expect(try bytes() == Array(whole[..<ends[2]]))
    try file.append(report(300, loss: 1), time: 5)
    #expect(try bytes() == whole)
    try file.truncate(after: 0)
    #expect(try bytes() == Array(whole[..<ends[0]]))
  }

  @Test("a run leaves one event a report, resumed or not")
  func run() throws {
    let shards = folder.url.appending(path: "shards")
    try TinyRun.makeShards(shards)
    let url = folder.url.appending(path: "run")
    // A report at 4 is followed by none until the cut at 5; the resumed run goes on from there.
    _ = try TinyRun(url, shards: shards).trainer.run(until: 5)
    _ = try TinyRun(url, shards: shards).trainer.run()
    let events = [UInt8](
      try Data(contentsOf: url.appending(path: TensorBoardFile.name)))
    let reports = try RunFolder(url).reports()
    #expect(TensorBoardFile.records(events).count == 1 + reports.count)
    #expect(reports.map(\.step) == [4, 8, 12, 16, 20, 24, 28, 30])
  }
}
