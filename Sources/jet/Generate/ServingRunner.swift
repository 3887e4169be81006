import JetCheckpoint
import JetInference
import JetModels
import JetTensor

/// How much a model has to serve at once.
struct ServingLoad: Equatable {
  /// How many positions a page has.
  static let pageTokens = 64

  /// How many sequences run at once.
  let slots: Int
  /// Positions of the sequences that need the most, as many as run at once.
  let contexts: [Int]
  /// The most positions of a sequence.
  let maximumPositions: Int
  /// What is kept of prompts; nil where nothing is.
  let prefixes: PrefixOptions?
  /// How many states that is without a bound.
  private let keptStates: Int

  /// The load of some prompts.
  init(
    _ prompts: [BatchPrompt], parallel: Int, maximumPositions: Int, prefixes: PrefixOptions? = nil
  ) {
    slots = min(parallel, prompts.count)
    contexts = Array(
      prompts.map { min($0.positions, maximumPositions) }.sorted(by: >).prefix(slots))
    self.maximumPositions = maximumPositions
    self.prefixes = prefixes
    keptStates =
      prefixes?.stateCount(of: prompts.map(\.request.prompt), pageTokens: Self.pageTokens) ?? 0
  }

  /// The capacity that lets so many sequences run, whichever they are.
  func capacity(vocabularySize: Int) -> EngineCapacity {
    var capacity = EngineCapacity(
      slots: slots, pages: 0, pageTokens: Self.pageTokens, maximumPositions: maximumPositions,
      vocabularySize: vocabularySize, maximumBatch: slots)
    capacity.pages = contexts.reduce(0) { $0 + capacity.pages(for: $1) }
    return capacity
  }

  /// The bytes of the states that are kept of prompts, `stateBytes` each.
  func keptBytes(stateBytes: Int) -> Int {
    guard let prefixes, stateBytes > 0 else { return 0 }
    return min(prefixes.maximumBytes / stateBytes, keptStates) * stateBytes
  }
}

/// Reads a model and makes the runner that serves it: the one place that chooses which.
///
/// - Throws: ``CommandError`` when memory is short, and what reading the weights throws.
func makeRunner(
  _ checkpoint: Checkpoint, _ runtime: RuntimeOptions, _ load: ServingLoad
) throws -> sending any EngineRunner {
  // Whole pages, and slot 0.
  let whole = load.contexts.map {
    PoolSizes(sequences: 1, context: $0).pages * ServingLoad.pageTokens
  }
  let model = try checkpoint.model(
    runtime, contexts: whole + [ServingLoad.pageTokens], kept: load.keptBytes)
  let capacity = load.capacity(vocabularySize: checkpoint.configuration.vocabularySize)
  let sizes = PoolSizes(
    slots: capacity.slots, pages: max(1, capacity.pages), pageTokens: capacity.pageTokens)
  if runtime.device == .cpu {
    return try PooledRunner(model, sizes: sizes, maximumPositions: capacity.maximumPositions)
  }
  return try GraphRunner(model, sizes: sizes, maximumPositions: capacity.maximumPositions)
}
