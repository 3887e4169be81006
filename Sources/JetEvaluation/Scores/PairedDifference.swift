/// By how much two models differ on the items that both were asked.
///
/// What makes an item hard is hard for both, so the standard error of the mean difference is often
/// much smaller than those of the two means.
public struct PairedDifference: Codable, Hashable, Sendable {
  /// The task's name.
  public var task: String
  /// The metric.
  public var metric: String
  /// The mean of `second − first` over the items of both.
  public var difference: Score

  /// The difference of two results of one task.
  ///
  /// - Parameters:
  ///   - metric: ``TaskResult/primaryMetric`` of `first` when nil; of texts the loss a token.
  /// - Throws: ``EvaluationError`` when the tasks differ, the metric is missing or no item is in both.
  public init(from first: TaskResult, to second: TaskResult, metric: String? = nil) throws {
    guard first.task == second.task else {
      throw EvaluationError(
        "Results of \(first.task) and of \(second.task) cannot be compared; give two results of the "
          + "same task.")
    }
    let isOfItems = first.items.contains { $0.values[first.primaryMetric] != nil }
    let metric = metric ?? (isOfItems ? first.primaryMetric : "loss_per_token")
    task = first.task
    self.metric = metric
    let before = Dictionary(
      first.items.compactMap { item in item.values[metric].map { (item.id, $0) } },
      uniquingKeysWith: { first, _ in first })
    let differences = second.items.compactMap { item -> Double? in
      guard let old = before[item.id], let new = item.values[metric] else { return nil }
      return new - old
    }
    guard !differences.isEmpty else {
      throw EvaluationError(
        "The two results of \(task) have no item with the metric \(metric) in common; run both on the "
          + "same items.")
    }
    difference = Score(of: differences)
  }
}
