/// What a model of the report is.
public enum ModelRole: String, Codable, Hashable, Sendable, CaseIterable {
  /// The Transformer that was converted.
  case teacher
  /// The hybrid whose full attention is spaced evenly, trained like the searched one.
  case uniform
  /// The hybrid that the search found.
  case searched
}

/// A difference of two models in one task, item by item.
public struct PairedDifference: Codable, Hashable, Sendable {
  /// The name of the model that is taken away.
  public var other: String
  /// The task.
  public var task: String
  /// `this − other`.
  public var difference: Estimate

  /// All values; what is not known yet is left out.
  public init(other: String, task: String, difference: Estimate) {
    self.other = other
    self.task = task
    self.difference = difference
  }
}

/// A model of the final comparison.
public struct ModelRow: Codable, Hashable, Sendable {
  /// The name.
  public var name: String
  /// What it is.
  public var role: ModelRole
  /// Scores by task.
  public var scores: [TaskScore]
  /// Perplexity of held-out text, less is better.
  public var perplexity: Estimate?
  /// Bytes of all that the model keeps of one sequence of ``ReportContent/comparisonContext`` tokens.
  public var stateBytes: Int?
  /// Differences to other models.
  public var differences: [PairedDifference]

  /// All values; what is not known yet is left out.
  public init(
    name: String, role: ModelRole, scores: [TaskScore] = [], perplexity: Estimate? = nil,
    stateBytes: Int? = nil, differences: [PairedDifference] = []
  ) {
    self.name = name
    self.role = role
    self.scores = scores
    self.perplexity = perplexity
    self.stateBytes = stateBytes
    self.differences = differences
  }
}
