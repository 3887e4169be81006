import Testing

@testable import jet

struct TextStreamTests {
  @Test func `characters come whole and special tokens not at all`() throws {
    var stream = try TextStream(try ByteText.tokenizer())
    let pieces = ([ByteText.start] + "aé".utf8.map { Int($0) }).map { stream.append($0) }
    #expect(pieces == ["", "a", "", "é"])
    #expect(stream.append(0xC3).isEmpty)
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.text == "aé\u{FFFD}")
  }

  @Test func `what could begin a stop text is held back`() throws {
    var stream = try TextStream(try ByteText.tokenizer(), stops: ["end"])
    #expect("een".utf8.map { stream.append(Int($0)) }.joined() == "e")
    #expect(stream.append(Int(UInt8(ascii: "d"))).isEmpty)
    #expect(stream.isStopped && stream.finish().isEmpty && stream.text == "e")
  }
}
