import ArgumentParser
import JetInference
import JetTestSupport
import Testing

@testable import jet

struct PromptLineTests {
  private func line(_ text: String) throws -> PromptLine {
    try PromptLine(.init(text: text, place: "f, line 3"))
  }

  private func refused(_ text: String) -> String {
    do {
      _ = try line(text)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func `a line is a text, or an object where it begins with a brace`() throws {
    #expect(try line(" Once \"upon\"\r").prompt == " Once \"upon\"")
    #expect(try line("[1, 2]").prompt == "[1, 2]")
    let full = try line(
      " {\"prompt\": \"a\\nb\", \"id\": \"x\", \"max_tokens\": 0, \"temperature\": 0.5, \"seed\": 7}"
    )
    #expect(full.prompt == "a\nb" && full.id == .text("x") && full.maxTokens == 0)
    #expect(full.temperature == 0.5 && full.seed == 7)
    let short = try line("{\"prompt\":\"a\",\"id\":12}")
    #expect(short.id == .number(12) && short.maxTokens == nil && short.temperature == nil)
  }

  @Test(
    arguments: [
      ("{\"prompt\"", "it is not valid JSON"), ("{\"id\": 1}", "it has no \"prompt\""),
      ("{\"prompt\": 1}", "its \"prompt\" is not what it can be"),
      ("{\"prompt\": \"a\", \"max_tokens\": 1.5}", "its \"max_tokens\" is not what it can be"),
      ("{\"prompt\": \"a\", \"seed\": -1}", "its \"seed\" is not what it can be"),
      ("{\"prompt\": \"a\", \"id\": []}", "its \"id\" is not what it can be"),
      ("{\"prompt\": \"a\", \"maxTokens\": 1}", "it has the unknown key \"maxTokens\""),
    ])
  func `a line of another form is named with its number`(text: String, reason: String) {
    #expect(
      refused(text)
        == "f, line 3 is no prompt: \(reason); write a text or an object with \"prompt\" and, as "
        + "wanted, \"id\", \"max_tokens\", \"temperature\" and \"seed\".")
  }

  @Test func `an empty prompt and an empty file are refused`() throws {
    #expect(refused("{\"prompt\": \"\"}").hasPrefix("f, line 3 has an empty \"prompt\""))
    let folder = try TemporaryFolder()
    let path = try folder.write("\n  \n", to: "empty.txt")
    #expect(throws: CommandError("\(path) has no prompts; write one a line.")) {
      try PromptLine.all(in: path)
    }
    let two = try folder.write("one\n\n{\"prompt\":\"two\"}\n", to: "two.txt")
    #expect(try PromptLine.all(in: two).map(\.prompt) == ["one", "two"])
    #expect(try PromptLine.all(in: two).map(\.place) == ["\(two), line 1", "\(two), line 3"])
  }

  @Test func `a prompt that the model cannot follow is named with its line`() throws {
    let lines = try ["one", "{\"prompt\": \"two\", \"max_tokens\": 3, \"temperature\": 0}"].map(
      line)
    func made(_ lines: [PromptLine], positions: Int = 10) throws -> [BatchPrompt] {
      try BatchPrompt.all(
        lines, options: GenerationOptions(maximumTokens: 5), maximumPositions: positions,
        vocabularySize: ByteText.vocabularySize
      ) { $0.utf8.map { Int($0) } }
    }
    let prompts = try made(lines)
    #expect(prompts.map(\.request.options.maximumTokens) == [5, 3])
    #expect(prompts.map(\.request.options.sampling.temperature) == [1, 0])
    #expect(prompts.map(\.request.options.sampling.seed) == [0, 1])
    #expect(prompts.map(\.positions) == [8, 6])
    #expect(
      throws: CommandError(
        "f, line 3: The prompt has 3 tokens and the model 2 positions; shorten the prompt.")
    ) { try made(lines, positions: 2) }
    let wrong = try line("{\"prompt\": \"a\", \"temperature\": -1}")
    #expect(throws: CommandError.self) { try made([wrong]) }
    let negative = try line("{\"prompt\": \"a\", \"max_tokens\": -1}")
    #expect(throws: CommandError.self) { try made([negative]) }
  }

  @Test(
    arguments: [
      ["m", "--prompts", "f", "text"], ["m", "--prompts", "f", "--samples", "2"],
      ["m", "text", "--parallel", "2"], ["m", "text", "--unordered"],
      ["m", "text", "--output", "f"], ["m", "--prompts", "f", "--parallel", "0"],
    ])
  func `arguments that do not go together are refused`(arguments: [String]) {
    #expect(throws: (any Error).self) { try Generate.parse(arguments) }
  }

  @Test func `prompts of a file are an argument like others`() throws {
    let command = try Generate.parse(
      ["m", "--prompts", "f", "--parallel", "3", "--unordered", "--output", "o", "--chat"])
    #expect(command.prompt.prompts == "f" && command.batch.parallel == 3)
    #expect(command.batch.unordered && command.batch.output == "o")
  }
}
