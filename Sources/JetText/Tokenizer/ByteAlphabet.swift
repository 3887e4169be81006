/// The byte-level alphabet: each byte has a printable scalar by which vocabularies spell it.
///
/// The printable bytes of Latin-1 (`!`…`~`, `¡`…`¬`, `®`…`ÿ`) stand for themselves, the 68 others
/// take U+0100, U+0101, … in ascending order, so a space is spelled `Ġ` and a line feed `Ċ`.
///
/// - Source: Radford et al. 2019, the `encoder.py` published with GPT-2 (`bytes_to_unicode`).
enum ByteAlphabet {
  /// The scalar of each byte, 256 values below U+0144.
  static let scalars: [Unicode.Scalar] = {
    var substitute: UInt8 = 0
    return (0...255).map { (byte: Int) -> Unicode.Scalar in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
        return Unicode.Scalar(UInt8(byte))
      default:
        defer { substitute += 1 }
        return Unicode.Scalar(UInt8(1)).advanced(by: 0xFF + UInt32(substitute))
      }
    }
  }()

  /// The byte of each scalar below U+0144, or -1 for the scalars that spell no byte.
  private static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = Int16(byte) }
    return table
  }()

  /// Appends the bytes that `token` spells.
  ///
  /// - Returns: whether every scalar belongs to the alphabet; if not, nothing is appended.
  static func append(bytesOf token: String, to result: inout [UInt8]) -> Bool {
    let start = result.count
    for scalar in token.unicodeScalars {
      guard scalar.value < 0x144, bytes[Int(scalar.value)] >= 0 else {
        result.removeSubrange(start...)
        return false
      }
      result.append(UInt8(truncatingIfNeeded: bytes[Int(scalar.value)]))
    }
    return true
  }

  /// The spelling of `bytes`, as a vocabulary would write it.
  static func spelling(of bytes: some Sequence<UInt8>) -> String {
    var result = String.UnicodeScalarView()
    for byte in bytes { result.append(scalars[Int(byte)]) }
    return String(result)
  }
}

extension Unicode.Scalar {
  /// The scalar whose value is larger by `distance`; the same scalar where none exists.
  fileprivate func advanced(by distance: UInt32) -> Unicode.Scalar {
    Unicode.Scalar(value + distance) ?? self
  }
}
