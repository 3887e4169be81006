/// A chat template: the Jinja program that writes a conversation as the text a model was trained on.
///
/// The language is what Hugging Face renders with (Jinja2 in its immutable sandbox with
/// `trim_blocks`, `lstrip_blocks`, loop controls, `{% generation %}`, `tojson`, `raise_exception`
/// and `strftime_now`), without inheritance, inclusion and recursive loops.
///
///     let template = try ChatTemplate(source)
///     let prompt = try template.render(messages: [ChatMessage(role: "user", content: "Hi")])
///
/// - Source: Jinja 3.1 template designer documentation; transformers `utils/chat_template_utils.py`.
public struct ChatTemplate: Sendable {
  /// The bounds of reading and rendering.
  public let limits: TemplateLimits
  private let clock: TemplateClock
  private let body: [TemplateStatement]

  /// Reads a template.
  ///
  /// - Parameters:
  ///   - source: the text of the template.
  ///   - limits: the bounds of reading and rendering.
  ///   - clock: what `strftime_now` reads.
  /// - Throws: ``ChatTemplateError`` of the kinds `syntax`, `unknownName` and `limitExceeded`.
  /// - Complexity: O(length of the source).
  public init(
    _ source: String, limits: TemplateLimits = .default, clock: TemplateClock = .system
  ) throws {
    guard source.utf8.count <= limits.sourceBytes else {
      throw ChatTemplateError(
        .limitExceeded, line: 1,
        "the source has \(source.utf8.count) bytes and at most \(limits.sourceBytes) are read")
    }
    var lexer = TemplateLexer(source)
    var parser = TemplateParser(tokens: try lexer.tokenize(), limits: limits)
    self.body = try parser.parseTemplate()
    self.limits = limits
    self.clock = clock
  }

  /// Returns the conversation as text.
  ///
  /// - Parameters:
  ///   - messages: the conversation so far.
  ///   - tools: JSON schemas of functions that the model may call; `nil` is `none` to the template.
  ///   - addGenerationPrompt: whether the text ends where the assistant begins to speak.
  ///   - variables: further names, `bos_token` and `eos_token` among them; they win over the others.
  /// - Returns: what the model is to be given, or trained on.
  /// - Throws: ``ChatTemplateError``.
  public func render(
    messages: [ChatMessage], tools: [TemplateValue]? = nil, addGenerationPrompt: Bool = true,
    variables: [String: TemplateValue] = [:]
  ) throws -> String {
    var names: [String: TemplateValue] = [
      "messages": .list(messages.map(\.templateValue)),
      "tools": tools.map { .list($0) } ?? .none,
      "documents": .none,
      "add_generation_prompt": .bool(addGenerationPrompt),
    ]
    names.merge(variables) { $1 }
    return try render(variables: names)
  }

  /// Returns the text of the template with exactly these variables.
  ///
  /// - Throws: ``ChatTemplateError``.
  public func render(variables: [String: TemplateValue]) throws -> String {
    let context = RenderContext(limits: limits, clock: clock)
    let evaluator = try TemplateEvaluator(context: context, variables: variables)
    return try evaluator.render(body)
  }
}
