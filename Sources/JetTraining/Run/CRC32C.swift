/// The Castagnoli checksum of 32 bits, as TFRecord files mask it.
///
/// - Source: RFC 3720, appendix B.4; the mask: `tensorflow/core/lib/hash/crc32c.h`.
enum CRC32C {
  /// The checksum of some bytes.
  static func value(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }

  /// The checksum turned by 15 bits, plus a constant: a checksum of data that hold checksums would be weak.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let sum = value(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0x82F6_3B78 ^ sum >> 1 : sum >> 1 }
  }
}
