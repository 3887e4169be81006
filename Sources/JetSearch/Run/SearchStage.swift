/// The steps of PostNAS in their order.
public enum SearchStage: String, Codable, Hashable, Sendable, CaseIterable {
  /// Token shards, and what the teacher scores.
  case data
  /// Attention and a linear path in each layer, trained for all placements at once.
  case superNetwork = "super_network"
  /// Where attention stays.
  case placement
  /// Which linear mixer.
  case blocks
  /// The JetBlock and forms of it.
  case newBlock = "new_block"
  /// Heads and widths at a constant size of the memory.
  case grid
  /// The searched model and its uniform counterpart.
  case final
  /// What teacher, uniform and searched model can do.
  case scores
  /// The model as a folder that other programs load, and the report.
  case export

  /// From 0.
  public var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// For people.
  public var title: String {
    switch self {
    case .data: "data and teacher"
    case .superNetwork: "super network"
    case .placement: "placement"
    case .blocks: "blocks"
    case .newBlock: "new block"
    case .grid: "grid"
    case .final: "final training"
    case .scores: "scores"
    case .export: "export"
    }
  }
}

/// What a stage took; recorded when it is done.
public struct StageRecord: Codable, Hashable, Sendable {
  /// Tokens that were trained on.
  public var tokens = 0
  /// Seconds of training and scoring, without what a killed process lost.
  public var seconds = 0.0
  /// Floating-point operations of the training, estimated from the models' shapes.
  public var operations = 0.0

  /// Nothing yet.
  public init() {}

  /// Adds what another part of the layers took, which read the same tokens.
  mutating func add(part other: StageRecord) {
    seconds += other.seconds
    operations += other.operations
  }

  /// Adds what another training took.
  mutating func add(_ other: StageRecord) {
    tokens += other.tokens
    seconds += other.seconds
    operations += other.operations
  }
}

/// What a running search does at the moment; kept in the journal for others to read.
struct SearchActivity: Codable, Hashable {
  var stage: SearchStage
  /// What is worked on, such as `gla`.
  var unit: String
  /// The unit's place among `count`, from 1.
  var index: Int
  var count: Int
  /// The training run under way, relative to the search's folder; nil while something is scored.
  var training: String?

  /// Its name in the journal, by the process's place at the run.
  static func name(place: Int) -> String { place == 0 ? "activity" : "activity/\(place)" }
}
