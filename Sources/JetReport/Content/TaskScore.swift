/// A score in one task or by one metric.
public struct TaskScore: Codable, Hashable, Sendable {
  /// The name of the task or metric, such as `ARC-Easy`.
  public var task: String
  /// The score, greater is better.
  public var score: Estimate

  /// All values; what is not known yet is left out.
  public init(task: String, score: Estimate) {
    self.task = task
    self.score = score
  }
}
