public import Foundation

extension TemplateValue {
  /// Reads JSON, keeping the order of keys and telling `1` from `1.0`.
  ///
  /// As in Python, of equal keys the last value stays at the first place. A whole number that
  /// does not fit 64 bits becomes a `double`; an unpaired surrogate becomes U+FFFD.
  ///
  /// - Parameters:
  ///   - json: one JSON value in UTF-8, with white space around it.
  ///   - maximumDepth: the deepest nesting of lists and objects that is read.
  /// - Throws: ``TemplateJSONError`` with the offset of what is not JSON.
  /// - Complexity: O(bytes).
  public init(json: Data, maximumDepth: Int = 64) throws {
    var parser = TemplateJSONParser(bytes: [UInt8](json), maximumDepth: maximumDepth)
    self = try parser.parseDocument()
  }
}

/// A strict JSON reader (RFC 8259) over bytes in memory.
private struct TemplateJSONParser {
  let bytes: [UInt8]
  let maximumDepth: Int
  var position = 0
  var depth = 0

  mutating func parseDocument() throws -> TemplateValue {
    let value = try parseValue()
    skipWhitespace()
    guard position == bytes.count else { throw failure("expected the end after the value") }
    return value
  }

  private func failure(_ reason: String) -> TemplateJSONError {
    TemplateJSONError(offset: position, reason: reason)
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhitespace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func skip(_ byte: Character) -> Bool {
    skipWhitespace()
    guard current == byte.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func parseValue() throws -> TemplateValue {
    skipWhitespace()
    switch Character(Unicode.Scalar(current ?? 0)) {
    case "{": return try nested { try $0.parseObject() }
    case "[": return try nested { try $0.parseArray() }
    case "\"": return .string(try parseString())
    case "t": return try parseWord("true", .bool(true))
    case "f": return try parseWord("false", .bool(false))
    case "n": return try parseWord("null", .none)
    case "-", "0"..."9": return try parseNumber()
    default: throw failure("expected a value")
    }
  }

  private mutating func nested(
    _ body: (inout Self) throws -> TemplateValue
  ) throws -> TemplateValue {
    guard depth < maximumDepth else { throw failure("nested deeper than \(maximumDepth)") }
    depth += 1
    position += 1
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func parseObject() throws -> TemplateValue {
    var result = TemplateDictionary()
    if skip("}") { return .dictionary(result) }
    repeat {
      skipWhitespace()
      guard current == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let key = try parseString()
      guard skip(":") else { throw failure("expected ':' after the key") }
      result[key] = try parseValue()
    } while skip(",")
    guard skip("}") else { throw failure("expected ',' or '}' in an object") }
    return .dictionary(result)
  }

  private mutating func parseArray() throws -> TemplateValue {
    var result: [TemplateValue] = []
    if skip("]") { return .list(result) }
    repeat { result.append(try parseValue()) } while skip(",")
    guard skip("]") else { throw failure("expected ',' or ']' in an array") }
    return .list(result)
  }

  private mutating func parseWord(
    _ word: String, _ value: TemplateValue
  ) throws -> TemplateValue {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("expected a value") }
    position += word.utf8.count
    return value
  }

  private mutating func skipDigits() throws {
    let start = position
    while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
    guard position > start else { throw failure("expected a digit") }
  }

  private mutating func parseNumber() throws -> TemplateValue {
    let start = position
    var isWhole = true
    if current == UInt8(ascii: "-") { position += 1 }
    if current == UInt8(ascii: "0") {
      position += 1
    } else {
      try skipDigits()
    }
    if current == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      try skipDigits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isWhole = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let number = Int(text) { return .int(number) }
    guard let number = Double(text) else { throw failure("expected a number") }
    return .double(number)
  }

  private mutating func parseString() throws -> String {
    position += 1
    var content: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let text = String(validating: content, as: UTF8.self) else {
          throw failure("the string before this byte is not UTF-8")
        }
        return text
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(into: &content)
      case 0..<0x20: throw failure("a control character in a string must be escaped")
      default:
        content.append(byte)
        position += 1
      }
    }
    throw failure("expected '\"' at the end of a string")
  }

  private mutating func parseEscape(into content: inout [UInt8]) throws {
    guard let byte = current else { throw failure("expected an escape") }
    position += 1
    switch Character(Unicode.Scalar(byte)) {
    case "\"", "\\", "/": content.append(byte)
    case "b": content.append(0x08)
    case "f": content.append(0x0C)
    case "n": content.append(0x0A)
    case "r": content.append(0x0D)
    case "t": content.append(0x09)
    case "u":
      let first = try parseCodeUnit()
      var scalar = Unicode.Scalar(first)
      if (0xD800..<0xDC00).contains(first), bytes[position...].starts(with: [0x5C, 0x75]) {
        let back = position
        position += 2
        let second = try parseCodeUnit()
        if (0xDC00..<0xE000).contains(second) {
          scalar = Unicode.Scalar(
            0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00))
        } else {
          position = back
        }
      }
      content.append(contentsOf: String(scalar ?? "\u{FFFD}").utf8)
    default: throw failure("unknown escape")
    }
  }

  private mutating func parseCodeUnit() throws -> UInt16 {
    guard position + 4 <= bytes.count else { throw failure("expected four hexadecimal digits") }
    var unit: UInt16 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      unit = unit << 4 | UInt16(digit)
    }
    position += 4
    return unit
  }
}
