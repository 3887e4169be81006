/// Lines of a terminal put together to messages and commands.
struct ChatInput {
  /// What the person said.
  enum Entry: Equatable {
    case message(String)
    case command(ChatCommand)
  }

  private enum State {
    case fresh
    /// Lines that ended in a backslash.
    case continued([String])
    /// Lines after an opening `"""`.
    case block([String])
  }

  private var state = State.fresh
  private static let quote = "\"\"\""

  /// Whether more lines belong to what was begun.
  var isPending: Bool { if case .fresh = state { false } else { true } }

  /// Drops what was begun.
  mutating func clear() { state = .fresh }

  /// Takes a line; gives an entry when it is complete, nil for an empty or an unfinished one.
  ///
  /// - Throws: ``CommandError`` for a command that does not exist.
  mutating func append(_ line: String) throws -> Entry? {
    switch state {
    case .fresh:
      let trimmed = line.trimmed
      if trimmed.hasPrefix(Self.quote) { return open(String(trimmed.dropFirst(3))) }
      if trimmed.hasPrefix("/") { return .command(try ChatCommand(trimmed)) }
      return extend([], with: line)
    case .continued(let lines): return extend(lines, with: line)
    case .block(let lines):
      guard line.trimmed.hasSuffix(Self.quote) else {
        state = .block(lines + [line])
        return nil
      }
      return close(lines + [String(line.trimmed.dropLast(3))])
    }
  }

  /// What was begun when the input ends in the middle of it.
  mutating func finish() -> Entry? {
    switch state {
    case .fresh: nil
    case .continued(let lines), .block(let lines): close(lines)
    }
  }

  private mutating func open(_ rest: String) -> Entry? {
    if rest.hasSuffix(Self.quote) { return close([String(rest.dropLast(3))]) }
    state = .block(rest.isEmpty ? [] : [rest])
    return nil
  }

  private mutating func extend(_ lines: [String], with line: String) -> Entry? {
    guard line.hasSuffix("\\") else { return close(lines + [line]) }
    state = .continued(lines + [String(line.dropLast())])
    return nil
  }

  private mutating func close(_ lines: [String]) -> Entry? {
    state = .fresh
    let text = lines.joined(separator: "\n").trimmed
    return text.isEmpty ? nil : .message(text)
  }
}

/// What can be asked of the chat itself.
enum ChatCommand: Equatable {
  case reset
  /// Another system message; none when nil.
  case system(String?)
  case save(String)
  case help
  case exit

  /// All of them, for people.
  static let list = """
    /reset         forget the conversation, but not the system message
    /system TEXT   set the system message and forget the conversation; without TEXT, remove it
    /save FILE     write the conversation to FILE, a JSON object a line
    /help          this list
    /exit          end; so does Ctrl-D
    A line that ends in \\ goes on in the next one; \"\"\" opens and closes a text of several lines.
    Ctrl-C stops an answer.
    """

  /// Reads a line that begins with a slash.
  ///
  /// - Throws: ``CommandError`` for an unknown command or a missing file name.
  init(_ line: String) throws {
    let name = line.prefix { !$0.isWhitespace }
    let rest = String(line.dropFirst(name.count)).trimmed
    switch name {
    case "/reset": self = .reset
    case "/system": self = .system(rest.isEmpty ? nil : rest)
    case "/save":
      guard !rest.isEmpty else {
        throw CommandError("/save needs the name of a file, such as /save talk.jsonl.")
      }
      self = .save(rest)
    case "/help": self = .help
    case "/exit", "/quit": self = .exit
    default:
      throw CommandError(
        "\(name) is no command; type /help for the list, or \"\"\" before a message that begins with a "
          + "slash.")
    }
  }
}

extension String {
  /// The text without white space at its ends.
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace ?? false { text.removeFirst() }
    while text.last?.isWhitespace ?? false { text.removeLast() }
    return String(text)
  }
}
