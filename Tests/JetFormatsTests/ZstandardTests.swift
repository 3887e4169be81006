import Foundation
import JetTestSupport
import Testing

@testable import JetFormats

@Suite("Zstandard", .enabled("libzstd is not on this system") { Zstandard.Library() != nil })
struct ZstandardTests {
  private func packed(_ bytes: [UInt8]) throws -> [UInt8] {
    let library = try #require(Zstandard.Library())
    var room = [UInt8](repeating: 0, count: bytes.count + bytes.count / 128 + 512)
    let (space, count) = (room.count, bytes.count)
    let size = try room.withUnsafeMutableBytes { room in
      // An empty array has no address.
      try (bytes + [0]).withUnsafeBytes { bytes in
        library.compress(
          try #require(room.baseAddress), space, try #require(bytes.baseAddress), count, 3)
      }
    }
    try #require(library.isError(size) == 0)
    return Array(room[..<size])
  }

  private func unpacked(_ bytes: [UInt8], maximum: Int = 1 << 30) throws -> [UInt8] {
    try bytes.withUnsafeBytes {
      try Zstandard.decompressed($0, file: "x.zst", maximumBytes: maximum)
    }
  }

  private var text: [UInt8] {
    var generator = SeededGenerator(seed: 5)
    return (0..<30_000).flatMap { Array("line \($0) of \(generator.next() % 977)\n".utf8) }
  }

  @Test("what zstd packs comes back, frames one after another")
  func roundTrip() throws {
    let (short, long) = (Array("hello hello\n".utf8), text)
    #expect(try unpacked(packed(short)) == short)
    #expect(try unpacked(packed(long)) == long)
    #expect(try unpacked(packed([])) == [])
    #expect(try unpacked(packed(short) + packed([]) + packed(long)) == short + long)
  }

  @Test("a file that is cut off anywhere, is of another kind or is too large is refused")
  func refusals() throws {
    let whole = try packed(Array("hello hello hello hello\n".utf8))
    for count in 0..<whole.count {
      #expect(throws: FormatError.self, "\(count) bytes") { try unpacked(Array(whole[..<count])) }
    }
    let cut = sentence { _ = try unpacked(whole.dropLast()) }
    #expect(cut == "x.zst: it cannot be unpacked: it ends early; get the file again.")
    let foreign = sentence { _ = try unpacked(Array("no zstd at all".utf8)) }
    #expect(foreign?.hasPrefix("x.zst: it cannot be unpacked: ") == true)
    let large = try packed(text)
    #expect(sentence { _ = try unpacked(large, maximum: 9999) }?.contains("more than 9999") == true)
    #expect(try unpacked(large, maximum: text.count).count == text.count)
  }

  @Test("no damage traps")
  func damage() throws {
    let whole = try packed(text)
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<3 {
        bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      // Either outcome is right, as long as there is one.
      if let found = try? unpacked(bytes, maximum: 1 << 22) { #expect(found.count <= 1 << 22) }
    }
  }

  @Test("without the library the sentence says what to do")
  func missing() {
    let found = sentence {
      try [UInt8](repeating: 0, count: 9).withUnsafeBytes {
        _ = try Zstandard.decompressed($0, file: "x.zst", library: "libabsent.so.9")
      }
    }
    #expect(found?.contains("'zstd -d'") == true)
  }

  @Test("a file is unpacked by the end of its name")
  func byName() throws {
    let folder = try TemporaryFolder()
    let text = Array("one\ntwo\n".utf8)
    for (name, bytes) in [("a.txt", text), ("a.txt.zst", try packed(text))] {
      let file = try folder.write(bytes, as: name)
      #expect(try Compression.withPlainBytes(of: file) { Array($0) } == text)
    }
  }
}
