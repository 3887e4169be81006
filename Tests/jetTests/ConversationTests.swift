import Foundation
import JetInference
import JetText
import Testing

@testable import jet

struct ConversationTests {
  private var options: GenerationOptions {
    var sampling = SamplingOptions()
    sampling.temperature = 0
    return GenerationOptions(
      maximumTokens: 100, sampling: sampling, stopTokens: [ByteText.end])
  }

  private func say(
    _ text: String, to conversation: inout Conversation, stops: [String] = []
  ) throws -> GeneratedText {
    try conversation.answer(text, options: options, stops: stops, isCancelled: { false }) { _ in }
  }

  @Test func `a second message reads only what is new`() throws {
    let model = ScriptedModel(["Hello.", "Fine."])
    var conversation = Conversation(model, format: try ByteText.format())
    let first = try say("Hi", to: &conversation)
    #expect(first.text == "Hello." && first.reason == .endToken)
    #expect(conversation.reusedTokens == 0)
    let second = try say("How are you?", to: &conversation)
    #expect(second.text == "Fine.")
    // <|start|>user:Hi<|end|><|start|>assistant:Hello. was held; the end token was never read.
    #expect(conversation.reusedTokens == 26)
    #expect(model.pieces.last == second.result.promptTokens - 26)
    #expect(conversation.messages.map(\.role) == ["user", "assistant", "user", "assistant"])
  }

  @Test func `a reset forgets, and the system message stays`() throws {
    let model = ScriptedModel(["a", "b"])
    var conversation = Conversation(model, format: try ByteText.format(), system: "Be brief.")
    _ = try say("one", to: &conversation)
    conversation.reset()
    #expect(conversation.messages.map(\.role) == ["system"])
    _ = try say("two", to: &conversation)
    #expect(conversation.reusedTokens == 0)
    conversation.reset(system: nil)
    #expect(conversation.messages.isEmpty)
  }

  @Test func `an interrupted answer stays as far as it came`() throws {
    let model = ScriptedModel(["A long answer."])
    var conversation = Conversation(model, format: try ByteText.format())
    var received = ""
    let answer = try conversation.answer(
      "Go", options: options, isCancelled: { received.count >= 6 }
    ) { received += $0 }
    #expect(answer.reason == .interrupted)
    #expect(answer.text == "A long")
    #expect(conversation.messages.last?.content == "A long")
  }

  @Test func `a message that could not be read is taken back`() throws {
    let model = ScriptedModel(["x"])
    var conversation = Conversation(model, format: try ByteText.format())
    #expect(throws: CancellationError.self) {
      try conversation.answer("Go", options: options, isCancelled: { true }) { _ in }
    }
    #expect(conversation.messages.isEmpty)
  }

  @Test func `a conversation longer than the context is refused in a sentence`() throws {
    let model = ScriptedModel(["x"], maximumPositions: 20)
    var conversation = Conversation(model, format: try ByteText.format())
    #expect(
      throws: CommandError(
        "The conversation would have 40 tokens and the context has 20; shorten the message, or "
          + "/reset to begin anew.")
    ) {
      try conversation.answer("far too long a message", options: options) { _ in }
    }
    #expect(conversation.messages.isEmpty)
  }

  @Test func `a stop text ends the answer and is not part of it`() throws {
    let model = ScriptedModel(["One. STOP Two."])
    var conversation = Conversation(model, format: try ByteText.format())
    let answer = try say("Go", to: &conversation, stops: ["STOP"])
    #expect(answer.text == "One. " && answer.reason == .stopText)
  }

  @Test func `a saved conversation is a JSON object a line`() throws {
    let model = ScriptedModel(["\"Yes\"\nindeed"])
    var conversation = Conversation(model, format: try ByteText.format(), system: "S")
    _ = try say("Q", to: &conversation)
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    try conversation.save(to: file.path)
    #expect(
      try String(contentsOf: file, encoding: .utf8) == """
        {"content":"S","role":"system"}
        {"content":"Q","role":"user"}
        {"content":"\\"Yes\\"\\nindeed","role":"assistant"}

        """)
  }
}
