import Foundation

/// A mean with its standard error.
public struct Score: Codable, Hashable, Sendable {
  /// The mean.
  public var value: Double
  /// The standard error of the mean; nil where one observation cannot tell.
  public var standardError: Double?
  /// How many observations there are.
  public var count: Int

  /// A score with all its values.
  public init(value: Double, standardError: Double?, count: Int) {
    self.value = value
    self.standardError = standardError
    self.count = count
  }

  /// The mean of some observations: `s/√n` with the sample deviation `s² = Σ(x − x̄)²/(n − 1)`.
  ///
  /// Of zeros and ones this is the binomial `√(p(1 − p)/(n − 1))`.
  ///
  /// - Precondition: there is at least one observation.
  public init(of observations: [Double]) {
    precondition(!observations.isEmpty, "a score of nothing")
    let count = Double(observations.count)
    let mean = observations.reduce(0, +) / count
    value = mean
    self.count = observations.count
    let squares = observations.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError =
      observations.count > 1 ? (squares / (count - 1) / count).squareRoot() : nil
  }

  /// The ratio of two sums over the same observations, `R = Σy/Σx`.
  ///
  /// Its standard error by linearization: `√(n/(n − 1) · Σ(y − R x)²)/Σx`.
  ///
  /// - Precondition: there is at least one observation, and the sum of `weights` is positive.
  /// - Source: Cochran, Sampling Techniques, 3rd edition, section 6.4.
  public init(ratioOf values: [Double], to weights: [Double]) {
    precondition(values.count == weights.count, "\(values.count) values, \(weights.count) weights")
    let total = weights.reduce(0, +)
    precondition(total > 0, "a ratio to \(total)")
    let ratio = values.reduce(0, +) / total
    let count = Double(values.count)
    value = ratio
    self.count = values.count
    let squares = zip(values, weights).reduce(0) { sum, pair in
      let rest = pair.0 - ratio * pair.1
      return sum + rest * rest
    }
    standardError =
      values.count > 1 ? (count / (count - 1) * squares).squareRoot() / total : nil
  }

  /// The score of `eˣ`, its standard error to first order.
  var exponential: Score {
    Score(value: exp(value), standardError: standardError.map { $0 * exp(value) }, count: count)
  }

  /// The score times a number.
  func scaled(by factor: Double) -> Score {
    Score(
      value: value * factor, standardError: standardError.map { $0 * abs(factor) }, count: count)
  }
}

/// What one item gave.
public struct ItemResult: Codable, Hashable, Sendable {
  /// The item's name, unique in its task.
  public var id: String
  /// Each metric's observation.
  public var values: [String: Double]
  /// What was answered: the number of the choice, or the text.
  public var answer: String?
  /// How many tokens did not fit the model.
  public var droppedTokens: Int

  /// A result of an item.
  public init(id: String, values: [String: Double], answer: String? = nil, droppedTokens: Int = 0) {
    self.id = id
    self.values = values
    self.answer = answer
    self.droppedTokens = droppedTokens
  }
}

/// What a task gave: its scores, and the observations behind them.
public struct TaskResult: Codable, Hashable, Sendable {
  /// The task's name.
  public var task: String
  /// The metric to look at first.
  public var primaryMetric: String
  /// Each metric's score.
  public var scores: [String: Score]
  /// What each item gave, in the order of the task.
  public var items: [ItemResult]

  /// A result with all its values.
  public init(task: String, primaryMetric: String, scores: [String: Score], items: [ItemResult]) {
    self.task = task
    self.primaryMetric = primaryMetric
    self.scores = scores
    self.items = items
  }

  /// The mean of each metric over the items.
  ///
  /// - Precondition: there is at least one item, and all have the same metrics.
  init(task: String, primaryMetric: String, items: [ItemResult]) {
    var scores: [String: Score] = [:]
    for metric in items.first?.values.keys.sorted() ?? [] {
      scores[metric] = Score(of: items.compactMap { $0.values[metric] })
    }
    self.init(task: task, primaryMetric: primaryMetric, scores: scores, items: items)
  }
}
