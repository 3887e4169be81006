/// Files of gzip, unpacked in memory: members one after another, each checked by length and CRC-32.
///
/// - Source: RFC 1952 (the container), RFC 1951 (the compression).
enum Gzip {
  /// The unpacked bytes of a whole file.
  ///
  /// - Throws: ``FormatError/Fault/damagedCompression``.
  static func decompressed(
    _ bytes: UnsafeRawBufferPointer, file: String, maximumBytes: Int = Compression.maximumBytes
  ) throws(FormatError) -> [UInt8] {
    var output: [UInt8] = []
    var position = 0
    do throws(Fault) {
      repeat {
        position = try contentStart(bytes, position)
        let start = output.count
        var inflate = Inflate(bytes, from: position, limit: maximumBytes)
        try inflate.run(into: &output)
        position = inflate.position
        guard position + 8 <= bytes.count else { throw Fault("it ends early") }
        let sum = littleEndian(bytes, position)
        guard sum == crc32(output[start...]) else { throw Fault("its checksum is wrong") }
        guard littleEndian(bytes, position + 4) == UInt32(truncatingIfNeeded: output.count - start)
        else { throw Fault("its length is wrong") }
        position += 8
      } while position < bytes.count
    } catch {
      throw Compression.error(error, file: file)
    }
    return output
  }

  /// What is wrong with compressed data.
  struct Fault: Error {
    let what: String

    init(_ what: String) { self.what = what }
  }

  private static func littleEndian(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
  }

  /// Where the compressed data of the member that begins at `start` begin.
  private static func contentStart(
    _ bytes: UnsafeRawBufferPointer, _ start: Int
  ) throws(Fault) -> Int {
    guard start + 10 <= bytes.count else { throw Fault("it ends early") }
    guard bytes[start] == 0x1F, bytes[start + 1] == 0x8B, bytes[start + 2] == 8 else {
      throw Fault("it is not gzip")
    }
    let flags = bytes[start + 3]
    guard flags & 0xE0 == 0 else { throw Fault("it sets flags that gzip reserves") }
    var position = start + 10
    if flags & 4 != 0 {
      guard position + 2 <= bytes.count else { throw Fault("it ends early") }
      position += 2 + Int(bytes[position]) + Int(bytes[position + 1]) << 8
    }
    // A file name and a comment, each ended by a zero.
    for flag: UInt8 in [8, 16] where flags & flag != 0 {
      while position < bytes.count, bytes[position] != 0 { position += 1 }
      position += 1
    }
    if flags & 2 != 0 { position += 2 }
    guard position < bytes.count else { throw Fault("it ends early") }
    return position
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ sum >> 1 : sum >> 1 }
  }

  private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      bytes.withUnsafeBufferPointer { bytes in
        ~bytes.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
      }
    }
  }
}
