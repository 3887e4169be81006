import JetTestSupport
import Testing

@testable import jet

struct TextLinesTests {
  private func line(_ text: String) -> TextLines.Line { .init(text: text, place: "f, line 1") }

  @Test func `lines keep their numbers and empty ones are left out`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("\"a\"\n\n{\"text\":\"b\\nc\"}\n", to: "x.jsonl")
    var places: [String] = []
    var texts: [String] = []
    try TextLines(path).forEach {
      places.append($0.place)
      texts.append(try $0.decodedText())
    }
    #expect(places == ["\(path), line 1", "\(path), line 3"])
    #expect(texts == ["a", "b\nc"])
    #expect(throws: CommandError.self) { try TextLines("\(path).not") }
  }

  @Test(arguments: ["{\"ids\":[1,2]}", "[1, 2]", "1,2", " 1  2 "])
  func `ids are read in each form`(text: String) throws {
    #expect(try line(text).decodedIDs() == [1, 2])
  }

  @Test func `a line of another form is named`() {
    #expect(
      throws: CommandError(
        "f, line 1 is neither an object with a \"text\" nor a JSON string; write one of them a line."
      )
    ) { try line("{\"txt\":1}").decodedText() }
    #expect(throws: CommandError.self) { try line("[1, \"a\"]").decodedIDs() }
  }
}
