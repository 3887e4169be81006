import Testing

@testable import JetFormats

@Suite("JSONScanner")
struct JSONScannerTests {
  private func scan<Result>(
    _ text: String, _ body: (inout JSONScanner) throws(FormatError) -> Result
  ) throws -> Result {
    try scan(Array(text.utf8), body)
  }

  private func scan<Result>(
    _ bytes: [UInt8], _ body: (inout JSONScanner) throws(FormatError) -> Result
  ) throws -> Result {
    try bytes.withUnsafeBytes { buffer in
      var scanner = JSONScanner(buffer, file: "f")
      let result = try body(&scanner)
      try scanner.end()
      return result
    }
  }

  @Test(
    "Strings are decoded with all their escapes",
    arguments: [
      (#""plain""#, "plain"), (#""""#, ""), (#""ü€😀""#, "ü€😀"),
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{08}\u{0C}\n\r\t"), (#""a\u00fcb""#, "aüb"),
      (#""\ud83d\ude00""#, "😀"), (#""\uD7ff\uE000\u0000""#, "\u{D7FF}\u{E000}\0"),
    ])
  func strings(text: String, expected: String) throws {
    #expect(try scan(text) { scanner throws(FormatError) in try scanner.string() } == expected)
  }

  @Test(
    "Faulty strings are refused",
    arguments: [
      "\"", "\"abc", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
      "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\\udc00\"",
      "\"a\nb\"", "\"\\n\u{01}\"", "abc", "",
    ])
  func faultyStrings(text: String) {
    #expect(anyFault { try scan(text) { s throws(FormatError) in try s.string() } } != nil)
  }

  @Test("Bytes that are not UTF-8 are refused, with and without escapes")
  func invalidText() {
    for bytes: [UInt8] in [
      [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0x5C, 0x6E, 0x80],
    ] {
      let quoted = [0x22] + bytes + [0x22]
      #expect(
        anyFault { try scan(quoted) { s throws(FormatError) in try s.string() } } == .invalidText)
    }
  }

  @Test("Whole numbers are read up to the largest Int and no further")
  func integers() throws {
    let read = { (s: inout JSONScanner) throws(FormatError) in try s.integer() }
    #expect(try scan(" 0 ", read) == 0)
    #expect(try scan("9223372036854775807", read) == Int.max)
    for text in ["9223372036854775808", "99999999999999999999999999"] {
      #expect(anyFault { try scan(text, read) } == .sizeOverflow)
    }
    for text in ["-1", "01", "00", "1.0", "1e3", "1E3", "", "x", "+1", "0x10", "null", "\"1\""] {
      #expect(anyFault { try scan(text, read) } == .invalidHeader)
    }
  }

  @Test(
    "Any value can be passed over",
    arguments: [
      "null", "true", "false", "0", "-0", "12.5e-7", "-1E+9", "[]", "{}", "[1,[2,{\"a\":[]}]]",
      " { \"a\" : 1 , \"b\" : [ ] } ", "\"x\"",
    ])
  func skips(text: String) throws {
    try scan(text) { s throws(FormatError) in try s.skipValue() }
  }

  @Test(
    "Faulty values are not passed over",
    arguments: [
      "nul", "tru", "[1,]", "[1", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1",
      "01", "-", "1.", "1e", ".5", "-01", "[1}", "1 2", "{} {}", "",
    ])
  func faultyValues(text: String) {
    #expect(anyFault { try scan(text) { s throws(FormatError) in try s.skipValue() } } != nil)
  }

  @Test("Nesting is bounded")
  func nesting() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    let skip = { (s: inout JSONScanner) throws(FormatError) in try s.skipValue() }
    try scan(nested(JSONScanner.maximumDepth), skip)
    #expect(anyFault { try scan(nested(1_000_000), skip) } == .nestingTooDeep)
  }
}
