/// Decides which requests run, which tokens each step reads, and when a sequence has ended.
///
/// A value without a clock, a runner or a thread. A request waits until a slot and all pages that it
/// can need are free, so nothing that runs is ever evicted; kept states give way. A step holds each decoding sequence, then
/// pieces of prompts, the oldest first.
///
/// A step may be made before the tokens of the one before are known: all sequences are taken to go
/// on, but for those that reach their length or the end of the context, which is known without the
/// token. What a step gives for a sequence that has ended is dropped, and its slot is free when no
/// started step holds it.
struct Scheduler {
  /// What a request came to.
  enum Event {
    /// The request's next token.
    case token(id: RequestID, token: Int)
    /// The request is over.
    case ended(id: RequestID, reason: FinishReason)
    /// The request is over.
    case failed(id: RequestID, error: any Error)
    /// The slot's sequence is to be closed before another is opened.
    case close(slot: Int)
  }

  /// A request that waits for a slot and pages.
  struct Waiting {
    let id: RequestID
    let request: EngineRequest
    let pageCount: Int
    /// Its blocks of tokens in ``Scheduler/prefixes``.
    let path: [Int]
    /// How many later requests were admitted before it.
    var overtaken = 0
  }

  /// A request in a slot.
  struct Sequence {
    let id: RequestID
    let request: EngineRequest
    let slot: Int
    let pages: [Int]
    /// Its blocks of tokens in ``Scheduler/prefixes``.
    let path: [Int]
    /// The kept state that it began with.
    let state: Int?
    /// Tokens of the prompt that were in that state.
    let reusedTokens: Int
    /// Tokens of the prompt in that state and in steps so far.
    var readTokens: Int
    /// Tokens that steps so far choose, those not known yet included.
    var chosenTokens = 0
    /// Tokens that were given out.
    var generatedTokens = 0
    /// How many started steps hold it.
    var steps = 0
    /// Whether its tokens are dropped from now on.
    var isOver = false
  }

  let capacity: EngineCapacity
  let options: EngineOptions
  var slots: NumberPool
  var pages: NumberPool
  /// What is kept of prompts; nil where nothing is.
  var prefixes: PrefixStore?
  /// A slice, for taking the first of it moves nothing.
  var waiting: ArraySlice<Waiting> = []
  /// The running sequences by slot.
  var sequences: [Int: Sequence] = [:]
  /// The slots in the order of admission.
  var order: [Int] = []
  /// The steps that were started and not finished, the oldest first.
  var started: [EngineStep] = []

  /// A scheduler without requests.
  ///
  /// - Throws: ``EngineError/invalidOption(name:value:expected:)``.
  init(capacity: EngineCapacity, options: EngineOptions) throws(EngineError) {
    precondition(
      min(capacity.pageTokens, capacity.maximumPositions, capacity.vocabularySize) >= 1
        && capacity.maximumBatch >= 1, "a runner without capacity: \(capacity)")
    try options.validate(capacity)
    self.capacity = capacity
    self.options = options
    // Decoding comes first, so a sequence without a row in the batch could only wait in its slot.
    slots = NumberPool(count: min(capacity.slots, capacity.maximumBatch))
    pages = NumberPool(count: capacity.pages)
    prefixes = options.prefixes.flatMap { PrefixStore($0, capacity) }
  }

  /// Whether any request waits or runs, or a step is under way.
  var hasWork: Bool { !waiting.isEmpty || !sequences.isEmpty || !started.isEmpty }

  /// Takes a request.
  ///
  /// - Returns: its end, where it asks for no tokens.
  /// - Throws: why it can never be carried out.
  mutating func submit(_ request: EngineRequest, id: RequestID) throws -> [Event] {
    try request.validate(capacity)
    guard request.options.maximumTokens > 0 else { return [.ended(id: id, reason: .length)] }
    waiting.append(
      Waiting(
        id: id, request: request, pageCount: capacity.pages(for: request.positions(capacity)),
        path: prefixes?.submit(request.prompt) ?? []))
    return []
  }

  /// Ends a request; nothing happens where it has ended.
  mutating func cancel(_ id: RequestID) -> [Event] {
    if let index = waiting.firstIndex(where: { $0.id == id }) {
      let removed = waiting.remove(at: index)
      prefixes?.close(removed.path, read: nil)
      return [.ended(id: id, reason: .stoppedByCaller)]
    }
    guard let sequence = sequences.values.first(where: { $0.id == id }), !sequence.isOver else {
      return []
    }
    return [.ended(id: id, reason: .stoppedByCaller)] + end(slot: sequence.slot)
  }

  /// Ends all requests.
  ///
  /// - Parameter error: what they end with; they count as cancelled where nil.
  mutating func endAll(_ error: (any Error)? = nil) -> [Event] {
    func event(_ id: RequestID) -> Event {
      error.map { Event.failed(id: id, error: $0) } ?? .ended(id: id, reason: .stoppedByCaller)
    }
    var events = waiting.map { event($0.id) }
    for removed in waiting { prefixes?.close(removed.path, read: nil) }
    waiting = []
    for slot in order {
      guard let sequence = sequences[slot], !sequence.isOver else { continue }
      events.append(event(sequence.id))
      events += end(slot: slot)
    }
    return events
  }

  /// Marks a sequence as over and closes it as soon as no step holds it.
  mutating func end(slot: Int) -> [Event] {
    sequences[slot]?.isOver = true
    return closeIfUnused(slot)
  }

  /// Frees what a sequence held, where it is over and no step holds it.
  mutating func closeIfUnused(_ slot: Int) -> [Event] {
    guard let sequence = sequences[slot], sequence.isOver, sequence.steps == 0 else { return [] }
    remove(sequence)
    return [.close(slot: slot)]
  }

  /// Takes a sequence out that the runner refused to open.
  mutating func refuse(slot: Int) {
    guard let sequence = sequences[slot] else { preconditionFailure("no sequence in \(slot)") }
    precondition(sequence.steps == 0, "slot \(slot) is refused while a step holds it")
    remove(sequence)
  }

  private mutating func remove(_ sequence: Sequence) {
    sequences[sequence.slot] = nil
    order.removeAll { $0 == sequence.slot }
    slots.give([sequence.slot])
    pages.give(sequence.pages)
    prefixes?.close(sequence.path, read: sequence.readTokens)
  }
}
