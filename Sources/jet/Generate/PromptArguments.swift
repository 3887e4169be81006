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
    help: ArgumentHelp(
      "Go on with each line of this file, or of - : a text, or an object with a \"prompt\" and, as "
        + "wanted, \"id\", \"max_tokens\", \"temperature\" and \"seed\".", valueName: "file"),
    completion: .file())
  var prompts: String?

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
    let given = [text != nil, file != nil, ids != nil, prompts != nil].filter { $0 }.count
    guard given == 1 else {
      throw ValidationError(
        given == 0
          ? "There is no prompt; give a text, - for standard input, --file, --ids or --prompts."
          : "The prompt is given \(given) times; give one of a text, --file, --ids and "
            + "--prompts.")
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
    return try encoder(checkpoint, tokenizer)(text)
  }

  /// What turns a text into tokens: as it is, or as a message in the chat template.
  ///
  /// - Throws: ``CommandError`` for a model without a chat template.
  func encoder(
    _ checkpoint: Checkpoint, _ tokenizer: Tokenizer
  ) throws -> (String) throws -> [Int] {
    guard chat else { return { tokenizer.encode($0) } }
    guard let template = try checkpoint.chatTemplate() else {
      throw CommandError(
        "\(checkpoint.path) has no chat template; leave --chat out to go on with the text.")
    }
    let variables = try checkpoint.templateVariables()
    let opening = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
    return { text in
      let rendered = try template.render(
        messages: opening + [ChatMessage(role: "user", content: text)], variables: variables)
      // The template writes begin-of-text itself where the model wants it.
      return tokenizer.encode(rendered, addSpecialTokens: false)
    }
  }

  private func readText() throws -> String {
    if let text, text != "-" { return text }
    let path = file ?? "-"
    guard let text = String(validating: try InputFile.bytes(path), as: UTF8.self) else {
      throw CommandError(
        "The text of \(InputFile.name(path)) is not UTF-8; convert it, for the tokenizer reads nothing "
          + "else.")
    }
    return text
  }
}
