import Foundation

/// Reads JSON from a buffer step by step, without building a tree.
///
/// Its callers know which value comes next and ask for it; that keeps headers of 10⁵ tensors cheap
/// and lets duplicate keys be seen, which parsers into dictionaries hide. Nothing is allocated but
/// the strings asked for, and those are no longer than the input.
/// - Source: [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).
struct JSONScanner {
  private let bytes: UnsafeRawBufferPointer
  private let file: String
  private(set) var offset = 0

  /// Levels of arrays and objects that ``skipValue(depth:)`` goes through.
  static let maximumDepth = 32

  init(_ bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  func error(
    _ problem: String, fault: FormatError.Fault = .invalidHeader, at position: Int? = nil
  ) -> FormatError {
    FormatError(fault, file: file, "\(problem) at byte \(position ?? offset) of the JSON text")
  }

  // MARK: Structure

  /// Reads `{ "key": value, … }`; `entry` is called after each colon and must consume the value.
  mutating func object(
    _ entry: (inout JSONScanner, String) throws(FormatError) -> Void
  ) throws(FormatError) {
    try expect("{")
    if consume("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try entry(&self, key)
    } while consume(",")
    try expect("}")
  }

  /// Reads `[ value, … ]`; `element` is called before each value and must consume it.
  mutating func array(
    _ element: (inout JSONScanner) throws(FormatError) -> Void
  ) throws(FormatError) {
    try expect("[")
    if consume("]") { return }
    repeat { try element(&self) } while consume(",")
    try expect("]")
  }

  /// Checks that nothing but white space is left.
  mutating func end() throws(FormatError) {
    skipSpace()
    guard offset == bytes.count else { throw error("text after the end of the JSON object") }
  }

  // MARK: Values

  /// Reads an array of integers that are not negative.
  mutating func integers() throws(FormatError) -> [Int] {
    var values: [Int] = []
    try array { scanner throws(FormatError) in values.append(try scanner.integer()) }
    return values
  }

  /// Reads an integer that is not negative and has no fraction or exponent.
  mutating func integer() throws(FormatError) -> Int {
    skipSpace()
    let start = offset
    var value = 0
    while let digit = peek(), digit >= 0x30, digit <= 0x39 {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(digit - 0x30))
      guard !overflow, !carry else {
        throw error("a number above \(Int.max)", fault: .sizeOverflow, at: start)
      }
      value = sum
      offset += 1
    }
    guard offset > start else { throw error("a whole number that is not negative was expected") }
    guard offset == start + 1 || bytes[start] != 0x30 else {
      throw error("a number with leading zeros", at: start)
    }
    if let next = peek(), next == 0x2E || next | 0x20 == 0x65 {
      throw error("a whole number was expected, but a fraction was found", at: start)
    }
    return value
  }

  /// Reads a string and decodes its escapes.
  mutating func string() throws(FormatError) -> String {
    try expect("\"")
    let start = offset
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == 0x22 {
        let text = try decoded(start..<offset)
        offset += 1
        return text
      }
      if byte == 0x5C { return try stringWithEscapes(from: start) }
      guard byte >= 0x20 else { throw error("a control character in a string") }
      offset += 1
    }
    throw error("a string without an end", at: start)
  }

  /// Passes over any value.
  mutating func skipValue(depth: Int = 0) throws(FormatError) {
    guard depth <= Self.maximumDepth else {
      throw error("more than \(Self.maximumDepth) levels of nesting", fault: .nestingTooDeep)
    }
    skipSpace()
    switch peek() {
    case UInt8(ascii: "{"):
      try object { scanner, _ throws(FormatError) in try scanner.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try array { scanner throws(FormatError) in try scanner.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try skipNumber()
    }
  }

  /// Whether the next value begins with this character.
  mutating func nextIs(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    return peek() == UInt8(ascii: character)
  }

  // MARK: Characters

  private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
  }

  private mutating func consume(_ character: Unicode.Scalar) -> Bool {
    guard nextIs(character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(FormatError) {
    guard consume(character) else { throw error("'\(character)' was expected") }
  }

  private mutating func word(_ text: StaticString) throws(FormatError) {
    for index in 0..<text.utf8CodeUnitCount {
      guard peek() == text.utf8Start[index] else { throw error("'\(text)' was expected") }
      offset += 1
    }
  }

  private mutating func skipNumber() throws(FormatError) {
    let start = offset
    if peek() == UInt8(ascii: "-") { offset += 1 }
    let digits = offset
    guard skipDigits() else { throw error("a value was expected", at: start) }
    guard bytes[digits] != 0x30 || offset == digits + 1 else {
      throw error("a number with leading zeros", at: start)
    }
    if peek() == UInt8(ascii: ".") {
      offset += 1
      guard skipDigits() else { throw error("digits were expected") }
    }
    if let byte = peek(), byte | 0x20 == 0x65 {
      offset += 1
      if let sign = peek(), sign == 0x2B || sign == 0x2D { offset += 1 }
      guard skipDigits() else { throw error("digits were expected") }
    }
  }

  private mutating func skipDigits() -> Bool {
    let start = offset
    while let digit = peek(), digit >= 0x30, digit <= 0x39 { offset += 1 }
    return offset > start
  }

  private func decoded(_ range: Range<Int>) throws(FormatError) -> String {
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw error("a string that is not UTF-8", fault: .invalidText, at: range.lowerBound)
    }
    return text
  }

  // MARK: Escapes

  private mutating func stringWithEscapes(from start: Int) throws(FormatError) -> String {
    var units = Array(bytes[start..<offset])
    while let byte = peek() {
      offset += 1
      switch byte {
      case 0x22:
        guard let text = String(validating: units, as: UTF8.self) else {
          throw error("a string that is not UTF-8", fault: .invalidText, at: start)
        }
        return text
      case 0x5C: try units.append(contentsOf: String(escape()).utf8)
      case 0..<0x20: throw error("a control character in a string")
      default: units.append(byte)
      }
    }
    throw error("a string without an end", at: start)
  }

  private mutating func escape() throws(FormatError) -> Unicode.Scalar {
    guard let byte = peek() else { throw error("a string without an end") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try fourHexadecimalDigits()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // A code point above U+FFFF is written as two escapes, a surrogate pair.
      guard unit < 0xDC00 else { throw error("half of a surrogate pair", fault: .invalidText) }
      try word("\\u")
      let low = try fourHexadecimalDigits()
      guard (0xDC00..<0xE000).contains(low),
        let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
      else { throw error("half of a surrogate pair", fault: .invalidText) }
      return scalar
    default: throw error("an unknown escape in a string", at: offset - 1)
    }
  }

  private mutating func fourHexadecimalDigits() throws(FormatError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits were expected")
      }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }
}
