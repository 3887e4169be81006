/// Turns ids into text piece by piece, never emitting part of a character's encoding.
///
/// The pieces joined, with that of ``finish()`` at the end, are what
/// ``Tokenizer/decode(_:skipSpecialTokens:)`` makes of all the ids.
public struct StreamDecoder: Sendable {
  private let tables: TokenizerTables
  private let skipSpecialTokens: Bool
  /// An incomplete UTF-8 sequence, at most three bytes between calls.
  private var pending: [UInt8] = []

  init(_ tables: TokenizerTables, _ skipSpecialTokens: Bool) {
    self.tables = tables
    self.skipSpecialTokens = skipSpecialTokens
  }

  /// The text that this id completes; empty while the bytes of a character are still to come.
  public mutating func append(_ id: Int) -> String {
    tables.appendBytes(of: id, skipSpecialTokens, to: &pending)
    let complete = pending.count - Self.incompleteSuffixCount(pending)
    guard complete > 0 else { return "" }
    defer { pending.removeSubrange(..<complete) }
    return String(decoding: pending[..<complete], as: UTF8.self)
  }

  /// What is left at the end: U+FFFD if a character was never completed, or nothing.
  public mutating func finish() -> String {
    defer { pending.removeAll() }
    return String(decoding: pending, as: UTF8.self)
  }

  /// How many bytes at the end are a proper beginning of one well-formed UTF-8 sequence.
  private static func incompleteSuffixCount(_ bytes: [UInt8]) -> Int {
    for count in 1...3 where count <= bytes.count {
      let suffix = bytes.suffix(count)
      guard let lead = suffix.first, lead & 0xC0 != 0x80 else { continue }
      let needed =
        switch lead {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
      guard count < needed else { return 0 }
      guard count > 1 else { return 1 }
      let allowed: ClosedRange<UInt8> =
        switch lead {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
      return allowed.contains(suffix[suffix.startIndex + 1]) ? count : 0
    }
    return 0
  }
}
