/// FNV-1a in 64 bits: finds files that were damaged or belong to something else, not those made to deceive.
package struct Checksum {
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The checksum of nothing.
  package init() {}

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// The bytes by eights, a step each: eight times as fast, and another number than that of single bytes.
  mutating func addWords(_ bytes: UnsafeRawBufferPointer) {
    let end = bytes.count / 8 * 8
    for start in stride(from: 0, to: end, by: 8) {
      let word = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
      // The product alone moves nothing down; the turn lets high bits reach low ones.
      value = (value ^ UInt64(littleEndian: word)) &* 0x100_0000_01B3
      value = value >> 29 | value << 35
    }
    add(bytes[end...])
  }

  package mutating func add(_ number: Int) {
    add((0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
  }
}
