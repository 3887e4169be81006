/// FNV-1a in 64 bits: finds files that were damaged or belong to something else, not those made to deceive.
struct Checksum {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  mutating func add(_ number: Int) {
    add((0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
  }
}
