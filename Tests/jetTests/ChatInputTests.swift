import Testing

@testable import jet

struct ChatInputTests {
  private func entries(_ lines: [String]) throws -> [ChatInput.Entry] {
    var input = ChatInput()
    var entries = try lines.compactMap { try input.append($0) }
    if let last = input.finish() { entries.append(last) }
    return entries
  }

  @Test(
    arguments: [
      (["Hello"], ["Hello"]),
      (["  Hello ", "", "   "], ["Hello"]),
      (["one\\", "two\\", "three"], ["one\ntwo\nthree"]),
      (["\"\"\"", "a", "", "/b", "\"\"\"", "c"], ["a\n\n/b", "c"]),
      (["\"\"\"a", "b\"\"\""], ["a\nb"]),
      (["\"\"\"a\"\"\""], ["a"]),
      (["\"\"\"", "unfinished"], ["unfinished"]),
      (["unfinished\\"], ["unfinished"]),
      (["\"\"\"", "\"\"\""], []),
    ] as [([String], [String])])
  func `lines make messages`(lines: [String], messages: [String]) throws {
    #expect(try entries(lines) == messages.map { .message($0) })
  }

  @Test(
    arguments: [
      ("/reset", .reset), (" /exit ", .exit), ("/quit", .exit), ("/help", .help),
      ("/system Be brief.", .system("Be brief.")), ("/system", .system(nil)),
      ("/save talk.jsonl", .save("talk.jsonl")),
    ] as [(String, ChatCommand)])
  func `a slash begins a command`(line: String, command: ChatCommand) throws {
    #expect(try entries([line]) == [.command(command)])
  }

  @Test(arguments: ["/save", "/nothing", "/"])
  func `an unknown command is refused`(line: String) {
    #expect(throws: CommandError.self) { try entries([line]) }
  }

  @Test func `what was begun can be dropped`() throws {
    var input = ChatInput()
    #expect(try input.append("begun\\") == nil)
    #expect(input.isPending)
    input.clear()
    #expect(try input.append("new") == .message("new"))
  }
}
