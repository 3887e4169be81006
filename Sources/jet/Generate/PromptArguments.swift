import ArgumentParser
import Foundation
import JetCheckpoint
import JetText

/// Where the prompt comes from, and whether it is a message or a text to go on with.
struct PromptArguments: ParsableArguments {
  @Argument(help: "The text to go on with, or - to read it from standard input.")
  var text: String?

  @Option(help: "Read the text from this file.", completion: .file())
  var file: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Token ids in place of a text, such as 1,2,3.", valueName: "ids"))
  var ids: IntegerList?

  @Flag(
    help: "Send the text as a user's message in the model's chat template.")
  var chat = false

  @Option(help: "With --chat: the system message.")
  var system: String?

  func validate() throws {
    let given = [text != nil, file != nil, ids != nil].filter { $0 }.count
    guard given == 1 else {
      throw ValidationError(
        given == 0
          ? "There is no prompt; give a text, - for standard input, --file or --ids."
          : "The prompt is given \(given) times; give one of a text, --file and --ids.")
    }
    if chat, ids != nil {
      throw ValidationError("--chat takes a text and --ids gives tokens; leave one of them out.")
    }
    if system != nil, !chat {
      throw ValidationError("--system needs --chat, whose template has a place for it.")
    }
  }

  /// The prompt's tokens.
  ///
  /// - Throws: ``CommandError`` for an empty text or a model without a chat template.
  func tokens(_ checkpoint: Checkpoint, _ tokenizer: Tokenizer) throws -> [Int] {
    if let ids { return ids.values }
    let text = try readText()
    guard !text.isEmpty else {
      throw CommandError("The prompt is empty; give at least one character, or --ids.")
    }
    guard chat else { return tokenizer.encode(text) }
    guard let template = try checkpoint.chatTemplate() else {
      throw CommandError(
        "\(checkpoint.path) has no chat template; leave --chat out to go on with the text.")
    }
    var messages = [ChatMessage(role: "user", content: text)]
    if let system { messages.insert(ChatMessage(role: "system", content: system), at: 0) }
    let rendered = try template.render(
      messages: messages, variables: try checkpoint.templateVariables())
    // The template writes begin-of-text itself where the model wants it.
    return tokenizer.encode(rendered, addSpecialTokens: false)
  }

  private func readText() throws -> String {
    if let text, text != "-" { return text }
    let data: Data?
    if let file {
      data = FileManager.default.contents(atPath: file)
    } else {
      data = try FileHandle.standardInput.readToEnd() ?? Data()
    }
    guard let data else {
      throw CommandError("\(file ?? "-") could not be read; give a file that exists.")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw CommandError(
        "\(file ?? "Standard input") is not UTF-8; convert it, for the tokenizer reads nothing else."
      )
    }
    return text
  }
}
