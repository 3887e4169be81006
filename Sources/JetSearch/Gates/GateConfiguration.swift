import Foundation

/// The values of ``GateStrategy``.
public struct GateConfiguration: Codable, Hashable, Sendable {
  /// Steps of the optimizer, a batch each.
  public var steps: Int
  /// The learning rate of the gates' logits.
  public var learningRate: Double
  /// The temperature at the first step; gates are `σ(logit / temperature)`.
  public var firstTemperature: Double
  /// The temperature at the last step; it falls by the same factor each step.
  public var lastTemperature: Double
  /// Weight of the budget at the last step; it rises evenly from 0.
  public var penalty: Double
  /// Decides the order of the batches.
  public var seed: UInt64
  /// Whether layers run again when their gradients are due, to save memory.
  public var recomputes: Bool

  /// A configuration with all its values.
  public init(
    steps: Int = 200, learningRate: Double = 0.05, firstTemperature: Double = 1,
    lastTemperature: Double = 0.2, penalty: Double = 1, seed: UInt64 = 0, recomputes: Bool = true
  ) {
    self.steps = steps
    self.learningRate = learningRate
    self.firstTemperature = firstTemperature
    self.lastTemperature = lastTemperature
    self.penalty = penalty
    self.seed = seed
    self.recomputes = recomputes
  }

  /// Checks that gates can be optimised.
  ///
  /// - Throws: ``SearchError`` naming the value.
  public func validate() throws(SearchError) {
    guard steps >= 1 else { throw SearchError("the gates need 1 step or more; got \(steps)") }
    guard learningRate > 0, learningRate < 10 else {
      throw SearchError("the gates' learning rate is \(learningRate); expected 0 to 10")
    }
    guard firstTemperature > 0, lastTemperature > 0, firstTemperature.isFinite,
      lastTemperature.isFinite
    else {
      throw SearchError(
        "the gates' temperatures are \(firstTemperature) and \(lastTemperature); expected more than 0"
      )
    }
    guard penalty >= 0, penalty.isFinite else {
      throw SearchError("the gates' penalty is \(penalty); expected 0 or more")
    }
  }

  /// How far a step is, 0 to 1.
  func progress(_ step: Int) -> Double { steps == 1 ? 1 : Double(step) / Double(steps - 1) }

  /// What the logits are divided by in a step.
  func temperature(_ step: Int) -> Double {
    firstTemperature * pow(lastTemperature / firstTemperature, progress(step))
  }
}
