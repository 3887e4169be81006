import Foundation
import JetFormats
import JetTestSupport
import Testing

/// Mutated files: whatever happens, a reader throws a ``FormatError`` or gives tensors that can be
/// read.
@Suite("Mutated files never crash", .serialized)
struct FuzzTests {
  private static let duration = Duration.seconds(2)
  private static let minimumRounds = 200

  @Test("safetensors")
  func safetensors() throws {
    try fuzz(soundSafetensors, headerCount: soundSafetensors.count, seed: 1) { url in
      try readAll(SafetensorsFile(url))
    }
  }

  @Test("GGUF")
  func gguf() throws {
    let sound = GGUFBytes.sound
    try fuzz(sound.bytes, headerCount: sound.bytes.count - sound.data.count, seed: 2) { url in
      let file = try GGUFFile(url)
      for key in file.metadata.keys {
        _ = fault { () throws(FormatError) in try file.integers(key) }
        _ = fault { () throws(FormatError) in try file.integer(key) }
      }
      return try readAll(file)
    }
  }

  @Test("the index of a sharded checkpoint")
  func index() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(soundSafetensors, as: "1")
    let index = Array(
      #"{"metadata":{"total_size":28},"weight_map":{"a":"1","b":"1","empty":"1"}}"#.utf8)
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      _ = try folder.write(
        mutated(index, headerCount: index.count, &generator), as: "model.safetensors.index.json")
      _ = fault { () throws(FormatError) in try SafetensorsCollection(folder: folder.url) }
    }
  }

  private func fuzz(
    _ sound: [UInt8], headerCount: Int, seed: UInt64, read: (URL) throws -> Int
  ) throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: seed)
    let clock = ContinuousClock()
    let end = clock.now + Self.duration
    var rounds = 0
    var readable = 0
    while rounds < Self.minimumRounds || clock.now < end {
      let bytes = mutated(sound, headerCount: headerCount, &generator)
      let url = try folder.write(bytes)
      do {
        let total = try read(url)
        #expect(total <= bytes.count + 1000)
        readable += 1
      } catch let error as FormatError {
        #expect(!error.description.isEmpty)
      }
      rounds += 1
    }
    // Mutations that no file survives would not test the reading of tensors.
    #expect(readable > 0)
    #expect(readable < rounds)
  }

  /// One to four changes, most of them in the header.
  private func mutated(
    _ sound: [UInt8], headerCount: Int, _ generator: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = sound
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let isHeader = Int.random(in: 0..<8, using: &generator) > 0
      let bound = isHeader ? min(headerCount, bytes.count) : bytes.count
      let position = Int.random(in: 0..<bound, using: &generator)
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
      case 2: bytes.remove(at: position)
      case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
      case 4: bytes.removeSubrange(position...)
      case 5:
        let number = Self.numbers[Int.random(in: 0..<Self.numbers.count, using: &generator)]
        for (index, byte) in littleEndian(number).enumerated() where position + index < bytes.count
        {
          bytes[position + index] = byte
        }
      case 6:
        let length = min(Int.random(in: 1...64, using: &generator), bytes.count - position)
        let target = Int.random(in: 0...bytes.count, using: &generator)
        bytes.insert(contentsOf: Array(bytes[position..<position + length]), at: target)
      default:
        // A digit for a digit keeps the text of a header sound and its numbers false.
        if let digit = bytes[position...].firstIndex(where: { (0x30...0x39).contains($0) }) {
          bytes[digit] = UInt8.random(in: 0x30...0x39, using: &generator)
        }
      }
    }
    return bytes
  }

  private static let numbers: [UInt64] = [
    0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 32, 1 << 62, UInt64(Int.max), 1 << 63, .max, .max - 31,
  ]
}
