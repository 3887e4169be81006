import ArgumentParser
import JetInference

/// Reads what is typed, answers, and says what went wrong without ending.
struct ChatSession {
  private var conversation: Conversation
  private var options: GenerationOptions
  private let stops: [String]
  private var input = ChatInput()
  private var lines = LineReader()
  private var hasFailed = false

  init(conversation: Conversation, options: GenerationOptions, stops: [String]) {
    self.conversation = conversation
    self.options = options
    self.stops = stops
  }

  /// Goes on until `/exit` or the end of the input.
  ///
  /// - Throws: ``CommandError`` at the end of piped input of which a line failed, since nobody saw it.
  mutating func run() throws {
    if Terminal.isInteractive { Terminal.note("Type a message; /help lists commands.") }
    while let entry = try next() {
      do {
        guard try handle(entry) else { return }
      } catch let code as ExitCode {
        throw code
      } catch is CancellationError {
        Terminal.note("[interrupted while the conversation was read]")
        try endUnlessInteractive()
      } catch {
        hasFailed = true
        Terminal.note("\(error)")
      }
    }
    if hasFailed, !Terminal.isInteractive {
      throw CommandError("Part of the input failed; see the sentences above.")
    }
  }

  /// The next entry; nil at the end.
  private mutating func next() throws -> ChatInput.Entry? {
    while true {
      if Terminal.isInteractive { try Terminal.write(input.isPending ? ". " : "> ") }
      Interrupt.clear()
      switch try lines.next() {
      case .end:
        if Terminal.isInteractive { try Terminal.print("") }
        return input.finish()
      case .interrupted:
        try endUnlessInteractive()
        input.clear()
        try Terminal.print("")
        Terminal.note("[Ctrl-D or /exit ends]")
      case .text(let line):
        do {
          if let entry = try input.append(line) { return entry }
        } catch {
          hasFailed = true
          Terminal.note("\(error)")
        }
      }
    }
  }

  /// Whether to go on.
  private mutating func handle(_ entry: ChatInput.Entry) throws -> Bool {
    switch entry {
    case .message(let text): try answer(text)
    case .command(.reset): conversation.reset()
    case .command(.system(let system)): conversation.reset(system: system)
    case .command(.save(let path)):
      try conversation.save(to: path)
      Terminal.note("[\(conversation.messages.count) messages in \(path)]")
    case .command(.help): Terminal.note(ChatCommand.list)
    case .command(.exit): return false
    }
    return true
  }

  /// At a terminal an interrupt stops one answer; of a pipe it stops the program.
  private func endUnlessInteractive() throws {
    if !Terminal.isInteractive { throw ExitCode(Interrupt.exitCode) }
  }

  private mutating func answer(_ text: String) throws {
    let answer = try conversation.answer(text, options: options, stops: stops) {
      try Terminal.write($0)
    }
    try Terminal.print("")
    Terminal.note(
      answer.summary(readTokens: answer.result.promptTokens - conversation.reusedTokens))
    if answer.reason == .interrupted { try endUnlessInteractive() }
    if answer.reason == .contextFull {
      Terminal.note("The context is full; /reset begins anew.")
    }
    // Otherwise the same question asked again would draw the same answer.
    options.sampling.seed &+= 1
  }
}
