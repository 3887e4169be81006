import JetInference
import Synchronization

/// A plain runner that computes a step as it is started, any number of them ahead, that counts what
/// is open and that fails when it is told to.
final class TestRunner: EngineRunner {
  /// What a test sees of a runner that an engine owns.
  final class Log: Sendable {
    struct Counts {
      var open = 0
      var opened = 0
      var longestQueue = 0
      var kept: Set<Int> = []
      var mostKept = 0
      var isRunnerGone = false
      var steps: [EngineStep] = []
    }

    let counts = Mutex(Counts())
    var open: Int { counts.withLock { $0.open } }
    var opened: Int { counts.withLock { $0.opened } }
    var kept: Int { counts.withLock { $0.kept.count } }
    var mostKept: Int { counts.withLock { $0.mostKept } }
    var longestQueue: Int { counts.withLock { $0.longestQueue } }
    var isRunnerGone: Bool { counts.withLock { $0.isRunnerGone } }
    var steps: [EngineStep] { counts.withLock { $0.steps } }
  }

  struct Fault: Error, Equatable {
    let name: String
  }

  /// When to fail; a step has a number from 1.
  struct Faults: Sendable {
    var open: @Sendable (_ prompt: [Int]) -> Bool = { _ in false }
    var start: @Sendable (Int, EngineStep) -> Bool = { _, _ in false }
    var finish: @Sendable (Int, EngineStep) -> Bool = { _, _ in false }
    var slot: @Sendable (_ step: Int, _ slot: Int) -> Bool = { _, _ in false }
    /// Called before a step is computed.
    var hold: @Sendable (Int) -> Void = { _ in }
  }

  let depth: Int
  private let base: SequenceRunner
  private let log: Log
  private let faults: Faults
  private var results: [Result<[SlotToken], any Error>] = []
  private var number = 0

  init(
    slots: Int, pages: Int, batch: Int? = nil, depth: Int, stateBytes: Int = 0, log: Log = Log(),
    faults: Faults = Faults()
  ) {
    self.depth = depth
    self.log = log
    self.faults = faults
    base = SequenceRunner(
      capacity: Self.capacity(
        slots: slots, pages: pages, batch: batch, stateBytes: stateBytes)
    ) { _ in ToyModel(maximumPositions: MixedRequests.maximumPositions) }
  }

  deinit { log.counts.withLock { $0.isRunnerGone = true } }

  static func capacity(
    slots: Int, pages: Int, batch: Int? = nil, stateBytes: Int = 0
  ) -> EngineCapacity {
    EngineCapacity(
      slots: slots, pages: pages, pageTokens: 8,
      maximumPositions: MixedRequests.maximumPositions, vocabularySize: ToyModel.vocabularySize,
      maximumBatch: batch ?? slots, stateBytes: stateBytes)
  }

  var capacity: EngineCapacity { base.capacity }

  func open(
    slot: Int, pages: [Int], sampling: SamplingOptions, prompt: [Int], state: Int?
  ) throws {
    if faults.open(prompt) { throw Fault(name: "open") }
    try base.open(slot: slot, pages: pages, sampling: sampling, prompt: prompt, state: state)
    log.counts.withLock {
      $0.open += 1
      $0.opened += 1
    }
  }

  func close(slot: Int) {
    base.close(slot: slot)
    log.counts.withLock { $0.open -= 1 }
  }

  func forget(state: Int) {
    base.forget(state: state)
    log.counts.withLock { _ = $0.kept.remove(state) }
  }

  func start(_ step: EngineStep) throws {
    number += 1
    faults.hold(number)
    if faults.start(number, step) { throw Fault(name: "start") }
    log.counts.withLock {
      $0.steps.append(step)
      $0.kept.formUnion(step.pieces.compactMap(\.state))
      $0.mostKept = max($0.mostKept, $0.kept.count)
    }
    try base.start(step)
    var tokens = try base.finish()
    for slot in step.slots where faults.slot(number, slot) {
      tokens.removeAll { $0.slot == slot }
      tokens.append(SlotToken(slot: slot, error: Fault(name: "slot")))
    }
    results.append(
      faults.finish(number, step) ? .failure(Fault(name: "finish")) : .success(tokens))
    precondition(results.count <= depth, "too many steps were started")
    log.counts.withLock { $0.longestQueue = max($0.longestQueue, results.count) }
  }

  func finish() throws -> [SlotToken] { try results.removeFirst().get() }
}
