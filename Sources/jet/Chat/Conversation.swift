import Foundation
import JetFormats
import JetInference
import JetText

/// Messages so far, and the model that has read them.
struct Conversation {
  /// How a conversation is written for the model.
  struct Format {
    let template: ChatTemplate
    let variables: [String: TemplateValue]
    let tokenizer: Tokenizer
  }

  /// The messages, the system's first where there is one.
  private(set) var messages: [ChatMessage] = []
  /// The system message.
  private(set) var system: String?
  private let format: Format
  private let model: PrefixReusingSequence

  /// A conversation with nothing said.
  init(_ model: any SequenceModel, format: Format, system: String? = nil) {
    self.model = PrefixReusingSequence(model)
    self.format = format
    self.system = system
    reset()
  }

  /// How many tokens of the last prompt were known from before.
  var reusedTokens: Int { model.reusedTokens }

  /// Forgets all but the system message.
  mutating func reset() {
    messages = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
  }

  /// Begins anew with another system message.
  mutating func reset(system: String?) {
    self.system = system
    reset()
  }

  /// Sends a message and returns the answer, handing out its pieces as they come.
  ///
  /// An answer that was interrupted stays as far as it came; a message that could not be answered is
  /// taken back.
  ///
  /// - Throws: ``CommandError`` when the conversation is longer than the context; what the template
  ///   and the model throw.
  mutating func answer(
    _ text: String, options: GenerationOptions, stops: [String] = [],
    isCancelled: () -> Bool = { Interrupt.isRaised }, onText: (String) throws -> Void
  ) throws -> GeneratedText {
    let before = messages
    messages.append(ChatMessage(role: "user", content: text))
    do {
      let rendered = try format.template.render(messages: messages, variables: format.variables)
      let prompt = format.tokenizer.encode(rendered, addSpecialTokens: false)
      let answer = try GeneratedText(
        model: model, prompt: prompt, options: options,
        stream: try TextStream(format.tokenizer, stops: stops), isCancelled: isCancelled,
        onText: onText)
      messages.append(ChatMessage(role: "assistant", content: answer.text))
      return answer
    } catch GenerationError.promptTooLong(let count, let maximum) {
      messages = before
      throw CommandError(
        "The conversation would have \(Numbers.grouped(count)) tokens and the context has "
          + "\(Numbers.grouped(maximum)); shorten the message, or /reset to begin anew.")
    } catch {
      messages = before
      throw error
    }
  }

  /// Writes the messages, a JSON object a line; the file appears whole or not at all.
  func save(to path: String) throws {
    struct Line: Encodable {
      let role: String
      let content: String
    }
    let lines = try messages.map { message in
      guard case .string(let content) = message.content else {
        preconditionFailure("a message of this conversation is a text")
      }
      return try jsonLine(Line(role: message.role, content: content)) + "\n"
    }
    try AtomicFile.write(Data(lines.joined().utf8), to: URL(filePath: path))
  }
}
