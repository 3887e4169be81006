import Foundation
import JetTestSupport
import Testing

@testable import JetFormats

@Suite("Gzip")
struct GzipTests {
  // printf 'hello hello hello\n' | gzip -9n
  private let short: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57,
    0xC8, 0x40, 0x90, 0x5C, 0x00, 0x3B, 0x7C, 0x8A, 0xDF, 0x12, 0x00, 0x00, 0x00,
  ]

  private func unpacked(_ bytes: [UInt8], maximum: Int = 1 << 30) throws -> [UInt8] {
    try bytes.withUnsafeBytes { bytes in
      try Gzip.decompressed(bytes, file: "x.gz", maximumBytes: maximum)
    }
  }

  @Test("it unpacks what gzip packs, members one after another")
  func small() throws {
    let text = Array("hello hello hello\n".utf8)
    #expect(try unpacked(short) == text)
    #expect(try unpacked(short + short) == text + text)
  }

  @Test("a large text of all kinds of blocks comes back")
  func large() throws {
    let stored = try Data(contentsOf: fixture("gzip-sample.gz"))
    let plain = try unpacked([UInt8](stored))
    var wanted: [UInt8] = []
    var generator = SeededGenerator(seed: 5)
    for line in 0..<3000 {
      wanted += Array("line \(line) of \(generator.next() % 977) and \(line % 13)\n".utf8)
    }
    for _ in 0..<40_000 { wanted.append(UInt8(truncatingIfNeeded: generator.next())) }
    #expect(plain == wanted)
  }

  @Test("damage is found, and no damage traps")
  func damage() throws {
    for count in 0..<short.count {
      #expect(throws: FormatError.self) { try unpacked(Array(short[..<count])) }
    }
    #expect(sentence { _ = try unpacked(short, maximum: 17) }?.contains("more than 17") == true)
    let stored = [UInt8](try Data(contentsOf: fixture("gzip-sample.gz")).prefix(6000))
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<300 {
      var bytes = generator.next() % 2 == 0 ? short : stored
      for _ in 0..<3 {
        bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      // Either outcome is right, as long as there is one; an unchanged text must be the text.
      if let found = try? unpacked(bytes, maximum: 1 << 22), bytes != short {
        #expect(found.count <= 1 << 22)
      }
    }
  }

  private func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/\(name)")
  }
}
