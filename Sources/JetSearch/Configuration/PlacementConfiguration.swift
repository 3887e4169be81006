/// Stage 2: where attention stays.
public struct PlacementConfiguration: Codable, Hashable, Sendable {
  /// What placements are judged by.
  public var objectives = [ObjectiveConfiguration(name: "divergence", kind: .divergence)]
  /// The name of the objective that decides; all others are measured too.
  public var guide = "divergence"
  /// Numbers of layers with full attention that are searched.
  public var sizes = [2, 4, 6, 8]
  /// The number that the run goes on with.
  public var size = 4
  /// The ways to search.
  public var strategies: [StrategyName] = [.beam, .oneLayer, .gates, .uniform]
  /// The one that the run goes on with.
  public var strategy = StrategyName.beam
  /// Placements that a beam keeps.
  public var beamWidth = 4
  /// The most placements that an exhaustive search may score.
  public var exhaustiveLimit = 5000
  /// How gates are trained, where they are among the strategies.
  public var gates = TrainingBudget(tokens: 2_000_000, learningRate: 0.05)
  /// Layers of attention to a window; none when nil.
  public var windows: WindowConfiguration?

  /// The ways to search.
  public enum StrategyName: String, ConfigurationWord {
    /// A beam over the number of layers.
    case beam
    /// The layers that are best alone.
    case oneLayer = "one_layer"
    /// Gates trained under a budget.
    case gates
    /// Evenly spread, without a look at the objective.
    case uniform
    /// All placements.
    case exhaustive
  }
}

/// What placements are judged by.
public struct ObjectiveConfiguration: Codable, Hashable, Sendable {
  /// What it is called in this file and in reports.
  public var name: String
  /// What it measures.
  public var kind: Kind
  /// Of a task: which one.
  public var task: TaskReference?
  /// Of a task: the observation of an item; the task's own first one when nil. Losses count negatively.
  public var metric: String?
  /// Of a divergence: sequences of validation text.
  public var sequences: Int
  /// Of a divergence: tokens of a sequence; that of the data when nil.
  public var length: Int?

  /// What an objective measures.
  public enum Kind: String, ConfigurationWord {
    /// A metric of a task.
    case task
    /// The divergence of the model's predictions from the teacher's, negative.
    case divergence
  }

  /// An objective.
  public init(
    name: String, kind: Kind, task: TaskReference? = nil, metric: String? = nil,
    sequences: Int = 8, length: Int? = nil
  ) {
    self.name = name
    self.kind = kind
    self.task = task
    self.metric = metric
    self.sequences = sequences
    self.length = length
  }

  /// Fields that a file leaves out have the initializer's defaults.
  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try keys.decode(String.self, forKey: .name),
      kind: try keys.decode(Kind.self, forKey: .kind))
    task = try keys.decodeIfPresent(TaskReference.self, forKey: .task)
    metric = try keys.decodeIfPresent(String.self, forKey: .metric)
    sequences = try keys.decodeIfPresent(Int.self, forKey: .sequences) ?? sequences
    length = try keys.decodeIfPresent(Int.self, forKey: .length)
  }
}

/// Layers of attention to a window of tokens.
public struct WindowConfiguration: Codable, Hashable, Sendable {
  /// How many.
  public var layers: Int
  /// Tokens of the window; when nil as many as make its keys and values as large as a linear layer's state.
  public var size: Int?
  /// The name of the objective that places them.
  public var objective: String
}
