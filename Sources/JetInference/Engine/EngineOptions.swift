/// How an ``Engine`` shares a runner among requests.
public struct EngineOptions: Hashable, Sendable {
  /// How many tokens of a prompt are read at once.
  ///
  /// Prompts are cut at multiples of this, whatever else a step holds, so that the pieces of a
  /// request do not depend on its company; and where ``prefixes`` has a state kept.
  public var chunkTokens = 256
  /// The most tokens that a step reads; two pieces and a full batch where nil.
  public var stepTokens: Int?
  /// How many smaller requests may be admitted before one that came earlier and waits for pages.
  public var maximumOvertakes = 16
  /// What is kept of prompts for others with the same beginning; nothing where nil, for it takes memory besides the runner's.
  public var prefixes: PrefixOptions?
  /// How many steps in a row may fail as a whole before the engine stops.
  public var maximumFailures = 3

  /// Creates the options that suit most runners.
  public init() {}

  /// The most tokens of a step on this runner.
  func stepTokens(_ capacity: EngineCapacity) -> Int {
    stepTokens ?? 2 * chunkTokens + Self.rows(capacity)
  }

  /// Refuses values outside their range, the first found.
  func validate(_ capacity: EngineCapacity) throws(EngineError) {
    func require(
      _ name: String, _ value: Int, atLeast least: Int, _ reason: String = ""
    ) throws(EngineError) {
      guard value >= least else {
        throw .invalidOption(name: name, value: value, expected: "\(least) or more\(reason)")
      }
    }
    try require("chunkTokens", chunkTokens, atLeast: 1)
    // With less a prompt could wait for as long as others decode.
    try require(
      "stepTokens", stepTokens(capacity), atLeast: chunkTokens + Self.rows(capacity),
      ", a piece of a prompt and a full batch")
    try require("maximumOvertakes", maximumOvertakes, atLeast: 0)
    try require("maximumFailures", maximumFailures, atLeast: 1)
    if let prefixes {
      try require("prefixes.blockTokens", prefixes.blockTokens, atLeast: 1)
      try require("prefixes.maximumBytes", prefixes.maximumBytes, atLeast: 0)
    }
  }

  private static func rows(_ capacity: EngineCapacity) -> Int {
    min(capacity.slots, capacity.maximumBatch)
  }
}
