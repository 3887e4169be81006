import Foundation
import JetText
import Testing

/// The conversations that Jinja rendered with the real templates of Qwen2.5 and SmolLM2.
private enum SharedConversations {
  static let folder = URL(filePath: #filePath)
    .appending(path: "../../../../../shared/tokenizers").standardized
  static let isPresent = FileManager.default.fileExists(
    atPath: folder.appending(path: "chat-templates.json").path)

  static func source(_ name: String) throws -> String {
    let path = name == "qwen25" ? "qwen2.5/chat_template.jinja" : "smollm2-chat_template.jinja"
    return try String(contentsOf: folder.appending(path: path), encoding: .utf8)
  }
}

@Suite struct SharedConversationsTests {
  @Test(
    .enabled(
      if: SharedConversations.isPresent,
      "needs ../shared/tokenizers/chat-templates.json beside the package"))
  func theRealTemplatesRenderAsJinjaDoes() throws {
    let data = try Data(
      contentsOf: SharedConversations.folder.appending(path: "chat-templates.json"))
    guard case .list(let cases) = try TemplateValue(json: data) else {
      Issue.record("chat-templates.json is no list")
      return
    }
    #expect(!cases.isEmpty)
    for entry in cases {
      guard case .dictionary(let example) = entry, case .string(let name)? = example["template"],
        case .list(let messages)? = example["messages"], case .string(let text)? = example["text"],
        case .bool(let prompt)? = example["add_generation_prompt"]
      else {
        Issue.record("a conversation lacks an entry")
        continue
      }
      var tools: [TemplateValue]?
      if case .list(let list)? = example["tools"] { tools = list }
      let template = try ChatTemplate(SharedConversations.source(name))
      let rendered = try template.render(
        messages: messages.compactMap(message), tools: tools, addGenerationPrompt: prompt)
      #expect(TemplateValue.string(rendered) == .string(text))
    }
  }

  private func message(_ value: TemplateValue) -> ChatMessage? {
    guard case .dictionary(var entries) = value, case .string(let role)? = entries["role"],
      let content = entries["content"]
    else { return nil }
    entries["role"] = nil
    entries["content"] = nil
    return ChatMessage(role: role, content: content, extra: entries)
  }
}
