/// Runs pieces of prompts and decode steps of many sequences on one model, for an ``Engine``.
///
/// All calls come from one thread. A sequence lives in a slot from ``open(slot:pages:sampling:prompt:state:)``
/// to ``close(slot:)``; its steps are started in the order of its tokens, and a slot is closed only
/// when every step with it was finished. So is a slot whose step failed.
///
/// What is chosen for a sequence must not depend on which others share its steps, but for rounding where a step of more
/// sequences is computed otherwise.
public protocol EngineRunner: AnyObject {
  /// How much fits.
  var capacity: EngineCapacity { get }

  /// How many steps may be started before the first of them is finished: 1 where a step is computed
  /// by the calling thread, 2 where a device would wait for the host.
  var depth: Int { get }

  /// Begins a sequence with an empty state or a kept one.
  ///
  /// - Parameters:
  ///   - slot: a free one, from 1.
  ///   - pages: free ones, from 1; they are the sequence's until it is closed and hold all positions
  ///     that it can reach.
  ///   - sampling: how its tokens are chosen, in range for the vocabulary.
  ///   - prompt: all of it, for the penalties; it is read by steps, but for the tokens of the state.
  ///   - state: the number of a kept state, whose pages are the first of `pages` and are only read; nil for an empty one.
  /// - Throws: why the sequence cannot begin; then the slot is as before and is not closed.
  func open(
    slot: Int, pages: [Int], sampling: SamplingOptions, prompt: [Int], state: Int?
  ) throws

  /// Ends the sequence of a slot and frees what it held.
  func close(slot: Int)

  /// Frees a kept state; nothing happens where there is none of that number, for its step failed.
  func forget(state: Int)

  /// Starts a step: reads the pieces and keeps the states that they name, then chooses a token for each prompt that is at its end and for
  /// each decoding sequence.
  ///
  /// A decoding sequence reads the token that was chosen for it last, which the runner knows, while
  /// the engine may not have seen it yet: the step may be one too many, for a sequence that has
  /// ended with that token. Its positions are within the pages all the same.
  ///
  /// - Throws: why nothing of the step was started; then it is not finished either.
  func start(_ step: EngineStep) throws

  /// Waits for the oldest step that was started.
  ///
  /// - Returns: once for each slot that a token was to be chosen for, the token or the error that ends
  ///   its sequence; a slot whose prompt goes on occurs only with an error.
  /// - Throws: an error of the whole step, which counts as finished.
  func finish() throws -> [SlotToken]
}

/// How much fits a runner.
public struct EngineCapacity: Hashable, Sendable {
  /// How many sequences there can be at once, in slots 1 to `slots`. Slot 0 is the runner's own.
  public var slots: Int
  /// How many pages of positions there are, 1 to `pages`. Page 0 is the runner's own.
  public var pages: Int
  /// How many positions a page has.
  public var pageTokens: Int
  /// How many positions a sequence has at most, prompt and generated tokens together.
  public var maximumPositions: Int
  /// How many tokens there are; ids run from 0 to one less.
  public var vocabularySize: Int
  /// How many sequences a step has at most, those with a piece of a prompt included; the engine uses
  /// no more slots than this.
  public var maximumBatch: Int
  /// Bytes of a kept state, pages not counted.
  public var stateBytes: Int

  /// Creates a capacity.
  public init(
    slots: Int, pages: Int, pageTokens: Int, maximumPositions: Int, vocabularySize: Int,
    maximumBatch: Int, stateBytes: Int = 0
  ) {
    self.slots = slots
    self.pages = pages
    self.pageTokens = pageTokens
    self.maximumPositions = maximumPositions
    self.vocabularySize = vocabularySize
    self.maximumBatch = maximumBatch
    self.stateBytes = stateBytes
  }

  /// How many pages hold so many positions.
  public func pages(for positions: Int) -> Int { (positions + pageTokens - 1) / pageTokens }
}

/// What a runner computes at once. A slot occurs once at most.
public struct EngineStep: Hashable, Sendable {
  /// The pieces of prompts that are read.
  public var pieces: [PromptPiece]
  /// The slots whose last chosen token is read and followed by another.
  public var decoding: [Int]

  /// Creates a step.
  public init(pieces: [PromptPiece] = [], decoding: [Int] = []) {
    self.pieces = pieces
    self.decoding = decoding
  }

  /// All slots of the step.
  public var slots: [Int] { pieces.map(\.slot) + decoding }

  /// The slots that a token is chosen for.
  public var choosing: [Int] { pieces.filter(\.isLast).map(\.slot) + decoding }

  /// How many tokens are read.
  public var tokenCount: Int { pieces.reduce(decoding.count) { $0 + $1.tokens.count } }
}

/// Tokens of a prompt that are read at once.
public struct PromptPiece: Hashable, Sendable {
  /// Whose prompt.
  public var slot: Int
  /// The tokens, at least one.
  public var tokens: [Int]
  /// The position of the first of them.
  public var start: Int
  /// Whether the prompt ends here, so that a token is chosen.
  public var isLast: Bool
  /// The number under which the state after the piece is kept until it is forgotten; nil where it is not.
  public var state: Int?

  /// Creates a piece.
  public init(slot: Int, tokens: [Int], start: Int, isLast: Bool, state: Int? = nil) {
    self.slot = slot
    self.tokens = tokens
    self.start = start
    self.isLast = isLast
    self.state = state
  }
}

/// What a step gave for a slot.
public struct SlotToken: Sendable {
  /// Whose token.
  public var slot: Int
  /// The token, or the error that ends this sequence and no other.
  public var outcome: Result<Int, any Error>

  /// A token that was chosen.
  public init(slot: Int, token: Int) {
    self.slot = slot
    outcome = .success(token)
  }

  /// An error of this slot.
  public init(slot: Int, error: any Error) {
    self.slot = slot
    outcome = .failure(error)
  }

  /// Whether a token was chosen.
  var isToken: Bool {
    if case .success = outcome { return true }
    return false
  }
}
