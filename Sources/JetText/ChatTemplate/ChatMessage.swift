/// One message of a conversation, as chat templates see it.
public struct ChatMessage: Sendable, Hashable {
  /// Who speaks: `system`, `user`, `assistant`, `tool` or what else the template knows.
  public var role: String
  /// What is said; a list of parts where the template takes one.
  public var content: TemplateValue
  /// Further entries in their order, such as `tool_calls`, `name` or `reasoning_content`.
  public var extra: TemplateDictionary

  /// Creates a message.
  public init(
    role: String, content: TemplateValue, extra: TemplateDictionary = TemplateDictionary()
  ) {
    self.role = role
    self.content = content
    self.extra = extra
  }

  /// Creates a message whose content is a text.
  public init(role: String, content: String, extra: TemplateDictionary = TemplateDictionary()) {
    self.init(role: role, content: .string(content), extra: extra)
  }

  /// The dictionary that the template gets: role, content, then the extra entries.
  public var templateValue: TemplateValue {
    var entries: TemplateDictionary = ["role": .string(role), "content": content]
    for (key, value) in extra { entries[key] = value }
    return .dictionary(entries)
  }
}
