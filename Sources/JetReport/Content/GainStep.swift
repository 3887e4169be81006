/// The model after one step of the search, measured as after every other.
public struct GainStep: Codable, Hashable, Sendable {
  /// What the step did, such as `searched placement`.
  public var name: String
  /// Scores by task or metric.
  public var scores: [TaskScore]

  /// All values; what is not known yet is left out.
  public init(name: String, scores: [TaskScore]) {
    self.name = name
    self.scores = scores
  }
}
