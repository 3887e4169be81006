/// A recursive-descent parser of JSON in UTF-8, strict and bounded in depth.
struct TokenizerJSONParser {
  /// What was found where.
  struct Failure: Error {
    var reason: String
    var position: Int
  }

  private static let deepest = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0

  /// A parser of `bytes`, which are valid UTF-8.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// The one value that the bytes hold.
  mutating func parseDocument() throws(Failure) -> TokenizerJSON {
    let value = try parseValue()
    guard peek() == nil else { throw failure("text follows the value") }
    return value
  }

  private func failure(_ reason: String) -> Failure {
    Failure(reason: reason, position: position)
  }

  /// The next byte that is not white space.
  private mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return bytes[position]
      }
    }
    return nil
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func parseValue() throws(Failure) -> TokenizerJSON {
    guard let first = peek() else { throw failure("the text ends where a value was expected") }
    switch first {
    case UInt8(ascii: "{"):
      return try parseObject()
    case UInt8(ascii: "["):
      return try parseArray()
    case UInt8(ascii: "\""):
      return .string(try parseString())
    case UInt8(ascii: "t"):
      try skipWord("true")
      return .boolean(true)
    case UInt8(ascii: "f"):
      try skipWord("false")
      return .boolean(false)
    case UInt8(ascii: "n"):
      try skipWord("null")
      return .null
    default:
      return try parseNumber()
    }
  }

  private mutating func skipWord(_ word: StaticString) throws(Failure) {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count,
      bytes[position..<end].elementsEqual(
        UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    else { throw failure("an unknown word was found") }
    position = end
  }

  private mutating func descend() throws(Failure) {
    position += 1
    depth += 1
    guard depth <= Self.deepest else {
      throw failure("values are nested deeper than \(Self.deepest)")
    }
  }

  private mutating func parseArray() throws(Failure) -> TokenizerJSON {
    try descend()
    var values: [TokenizerJSON] = []
    if !skip(UInt8(ascii: "]")) {
      repeat { values.append(try parseValue()) } while skip(UInt8(ascii: ","))
      guard skip(UInt8(ascii: "]")) else { throw failure("\",\" or \"]\" was expected") }
    }
    depth -= 1
    return .array(values)
  }

  private mutating func parseObject() throws(Failure) -> TokenizerJSON {
    try descend()
    var members: [(key: String, value: TokenizerJSON)] = []
    if !skip(UInt8(ascii: "}")) {
      repeat {
        guard peek() == UInt8(ascii: "\"") else { throw failure("a key was expected") }
        let key = try parseString()
        guard skip(UInt8(ascii: ":")) else { throw failure("\":\" was expected") }
        members.append((key, try parseValue()))
      } while skip(UInt8(ascii: ","))
      guard skip(UInt8(ascii: "}")) else { throw failure("\",\" or \"}\" was expected") }
    }
    depth -= 1
    return .object(members)
  }

  private mutating func parseNumber() throws(Failure) -> TokenizerJSON {
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        position += 1
        continue
      default:
        break
      }
      break
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let first = text.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: ".") else {
      position = start
      throw failure("a value was expected")
    }
    if let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else {
      position = start
      throw failure("a malformed number was found")
    }
    return .number(number)
  }

  private mutating func parseString() throws(Failure) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
      case UInt8(ascii: "\\"):
        return try parseEscapedString(from: start)
      case 0..<0x20:
        throw failure("a control character stands in a string")
      default:
        position += 1
      }
    }
    throw failure("the text ends in a string")
  }

  private mutating func parseEscapedString(from start: Int) throws(Failure) -> String {
    var result = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(into: &result)
      case 0..<0x20:
        throw failure("a control character stands in a string")
      default:
        result.append(byte)
        position += 1
      }
    }
    throw failure("the text ends in a string")
  }

  private mutating func parseEscape(into result: inout [UInt8]) throws(Failure) {
    guard position < bytes.count else { throw failure("the text ends in a string") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"):
      var value = try parseFourDigits()
      if (0xD800..<0xDC00).contains(value), position + 1 < bytes.count,
        bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try parseFourDigits()
        guard (0xDC00..<0xE000).contains(low) else {
          throw failure("half a surrogate pair was found")
        }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw failure("half a surrogate pair was found")
      }
      result.append(contentsOf: String(scalar).utf8)
    default:
      position -= 1
      throw failure("an unknown escape was found")
    }
  }

  private mutating func parseFourDigits() throws(Failure) -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("the text ends in a string") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = bytes[position]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw failure("four hexadecimal digits were expected")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
