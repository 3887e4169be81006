import Foundation
import JetText
import Testing

@Suite struct TemplateValueTests {
  private func read(_ text: String) throws -> TemplateValue {
    try TemplateValue(json: Data(text.utf8))
  }

  @Test func jsonKeepsTheOrderOfKeysAndTheKindOfNumbers() throws {
    let value = try read(#" {"b": 1, "a": 1.0, "c": [true, false, null, -0, 1e2, 12E-1]} "#)
    #expect(value == ["a": 1.0, "b": 1, "c": [true, false, nil, 0, 100.0, 1.2]])
    guard case .dictionary(let entries) = value else {
      Issue.record("no dictionary")
      return
    }
    #expect(entries.keys == ["b", "a", "c"])
    #expect(entries["b"] == .int(1) && entries["a"] == .double(1))
  }

  @Test func jsonStringsAreUnescaped() throws {
    #expect(
      try read(#""\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00""#) == "\"\\/\u{8}\u{c}\n\r\té\u{e9}😀")
    #expect(try read(#""\ud83dx\ude00\ud83d\ud83d\ude00""#) == "\u{fffd}x\u{fffd}\u{fffd}😀")
  }

  @Test func ofEqualKeysTheLastValueStaysAtTheFirstPlace() throws {
    let value = try read(#"{"a": 1, "b": 2, "a": 3}"#)
    guard case .dictionary(let entries) = value else {
      Issue.record("no dictionary")
      return
    }
    #expect(entries.keys == ["a", "b"] && entries["a"] == 3)
  }

  @Test func aWholeNumberPast64BitsBecomesADouble() throws {
    #expect(try read("9223372036854775807") == .int(.max))
    #expect(try read("18446744073709551615") == .double(0x1p64))
  }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "01", "1.", ".5", "+1", "-",
    "1e", "nan",
    "NaN", "tru", "nulls", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\ud8\"", "\"a\nb\"", "[1] 2", "'a'",
    "[1 2]",
  ])
  func whatIsNotJSONIsRefused(_ text: String) {
    #expect(throws: TemplateJSONError.self) { try read(text) }
  }

  @Test func jsonThatIsNotUTF8IsRefused() {
    #expect(throws: TemplateJSONError.self) {
      try TemplateValue(json: Data([0x22, 0xFF, 0x22]))
    }
  }

  @Test func deepJSONIsRefused() throws {
    let deep = { (depth: Int) in
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try read(deep(64))
    let error = #expect(throws: TemplateJSONError.self) { try read(deep(100_000)) }
    #expect(error?.localizedDescription == "JSON, byte 64: nested deeper than 64.")
  }

  @Test func valuesAreHashedAndComparedByTheirBytes() {
    #expect(TemplateValue.string("é") != .string("e\u{301}"))
    #expect(TemplateValue.int(1) != .double(1))
    #expect(Set<TemplateValue>(["é", "e\u{301}", 1, 1.0, true, nil, [], [:]]).count == 8)
    #expect(["a": 1, "b": 2] as TemplateDictionary == ["b": 2, "a": 1])
    #expect(Set<TemplateDictionary>([["a": 1, "b": 2], ["b": 2, "a": 1]]).count == 1)
  }

  @Test func aRemovedEntryLeavesTheOrderOfTheOthers() {
    var entries: TemplateDictionary = ["a": 1, "b": 2, "c": 3]
    entries["b"] = nil
    entries["a"] = 4
    entries["b"] = 5
    #expect(entries.map(\.key) == ["a", "c", "b"])
    #expect(entries.count == 3)
  }

  @Test func messagesBecomeDictionariesInOrder() {
    let message = ChatMessage(role: "tool", content: "22", extra: ["name": "f", "content": "23"])
    guard case .dictionary(let entries) = message.templateValue else {
      Issue.record("no dictionary")
      return
    }
    #expect(entries.keys == ["role", "content", "name"] && entries["content"] == "23")
  }
}
