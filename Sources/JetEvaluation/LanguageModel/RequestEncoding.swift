import JetText

/// Texts as the tokens that a model reads and is asked for.
struct RequestEncoding {
  /// Tokens that are read and then tokens that are scored.
  struct Continuation: Hashable {
    var context: [Int]
    var continuation: [Int]
    var droppedTokens: Int
  }

  /// The tokens of continuations that were encoded before, where they are kept.
  final class Memory {
    var isKept = false
    var continuations: [ContinuationRequest: Continuation] = [:]
  }

  let tokenizer: Tokenizer
  let memory = Memory()
  /// The most tokens that the model reads at once.
  let maximumPositions: Int
  /// What the tokenizer itself puts before a text: Llama 3's begin-of-text token; mostly nothing.
  private let prefix: [Int]
  /// What a text is begun with where nothing else is before it.
  private let beginning: Int?

  init(_ tokenizer: Tokenizer, maximumPositions: Int) {
    self.tokenizer = tokenizer
    self.maximumPositions = maximumPositions
    let added = tokenizer.encode("")
    prefix = added.first.map { $0 == tokenizer.beginOfTextID ? [$0] : [] } ?? []
    beginning = tokenizer.beginOfTextID ?? tokenizer.endOfTextIDs.first
  }

  /// The token that begins a text with nothing before it.
  ///
  /// - Throws: ``EvaluationError`` where the tokenizer names none.
  func beginningToken() throws -> Int {
    guard let beginning else {
      throw EvaluationError(
        "The tokenizer names no token that begins or ends a text, so the first token of a text "
          + "cannot be scored; add bos_token or eos_token to tokenizer_config.json.")
    }
    return beginning
  }

  /// The tokens of a text alone.
  func text(_ text: String) -> [Int] {
    tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
  }

  /// The tokens of a context and its continuation.
  ///
  /// Spaces at the end of the context go to the continuation, for tokens begin with their space; the
  /// two are encoded together and cut where the context alone ends. A context that is too long
  /// loses its first tokens.
  ///
  /// - Throws: ``EvaluationError`` for a continuation without tokens, or one too long for the model.
  func continuation(_ request: ContinuationRequest) throws -> Continuation {
    if let known = memory.continuations[request] { return known }
    let made = try encoded(request)
    if memory.isKept { memory.continuations[request] = made }
    return made
  }

  private func encoded(_ request: ContinuationRequest) throws -> Continuation {
    let (context, spaces) = Self.splitTrailingSpaces(request.context)
    let before = text(context)
    let all = text(context + spaces + request.continuation)
    let scored = Array(all.dropFirst(before.count))
    guard !scored.isEmpty else {
      throw EvaluationError(
        "The continuation \"\(shown(request.continuation))\" has no tokens of its own after "
          + "\"\(shown(String(request.context.suffix(40))))\"; give one that is not empty.")
    }
    guard scored.count <= maximumPositions else {
      throw EvaluationError(
        "A continuation has \(scored.count) tokens and the model \(maximumPositions) positions; "
          + "shorten it.")
    }
    var read = prefix + all.prefix(before.count)
    if read.isEmpty { read = [try beginningToken()] }
    // The last scored token is not read.
    let dropped = max(0, read.count + scored.count - 1 - maximumPositions)
    return Continuation(
      context: Array(read.dropFirst(dropped)), continuation: scored, droppedTokens: dropped)
  }

  /// The tokens of a prompt that leave room for an answer.
  func prompt(_ request: GenerationRequest) throws -> (tokens: [Int], droppedTokens: Int) {
    var tokens = prefix + text(request.context)
    if tokens.isEmpty { tokens = [try beginningToken()] }
    let room = maximumPositions - request.maximumTokens + 1
    guard room >= 1 else {
      throw EvaluationError(
        "An answer of \(request.maximumTokens) tokens was asked for and the model has "
          + "\(maximumPositions) positions; ask for fewer.")
    }
    let dropped = max(0, tokens.count - room)
    return (Array(tokens.dropFirst(dropped)), dropped)
  }

  /// The windows of a text; see ``LanguageModel/rollingLogLikelihoods(_:onResult:)``.
  func windows(_ text: String, length: Int) throws -> [Continuation] {
    let tokens = self.text(text)
    guard !tokens.isEmpty else { return [] }
    let first = try beginningToken()
    return stride(from: 0, to: tokens.count, by: length).map { start in
      Continuation(
        context: [start == 0 ? first : tokens[start - 1]],
        continuation: Array(tokens[start..<min(start + length, tokens.count)]), droppedTokens: 0)
    }
  }

  private static func splitTrailingSpaces(_ text: String) -> (String, String) {
    let kept = text.unicodeScalars.lastIndex { !$0.properties.isWhitespace }
    guard let kept else { return ("", text) }
    let end = text.unicodeScalars.index(after: kept)
    return (String(text.unicodeScalars[..<end]), String(text.unicodeScalars[end...]))
  }
}
