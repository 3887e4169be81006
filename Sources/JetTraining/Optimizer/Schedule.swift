import Foundation

/// The learning rate over the steps of a run, relative to its peak.
///
/// It rises evenly over the warm-up, from the first step's `1 / warmupSteps` to 1, and then follows its shape.
public struct Schedule: Codable, Hashable, Sendable {
  /// What comes after the warm-up.
  public enum Shape: String, Codable, Sendable, CaseIterable {
    /// The peak until the last ``Schedule/decaySteps`` steps, in which it falls evenly.
    case stable
    /// Half a cosine from the peak to the last step.
    case cosine
    /// The peak to the end.
    case constant
  }

  /// What comes after the warm-up.
  public var shape: Shape
  /// Steps over which the rate rises.
  public var warmupSteps: Int
  /// Steps over which it falls, of the shape ``Shape/stable``.
  public var decaySteps: Int
  /// Where it ends, as a part of the peak.
  public var finalFraction: Double

  /// A schedule with all its values.
  public init(
    shape: Shape = .stable, warmupSteps: Int = 50, decaySteps: Int = 200, finalFraction: Double = 0
  ) {
    self.shape = shape
    self.warmupSteps = warmupSteps
    self.decaySteps = decaySteps
    self.finalFraction = finalFraction
  }

  /// The part of the peak at `step`, from 0, of a run of `steps`.
  ///
  /// The step after the last one would have ``finalFraction``; none beyond it goes lower.
  public func fraction(step: Int, of steps: Int) -> Double {
    if step < warmupSteps { return Double(step + 1) / Double(warmupSteps) }
    switch shape {
    case .constant: return 1
    case .stable:
      let left = steps - step
      guard decaySteps > 0, left < decaySteps else { return 1 }
      return finalFraction + (1 - finalFraction) * Double(max(0, left)) / Double(decaySteps)
    case .cosine:
      let span = max(1, steps - warmupSteps)
      let done = min(1, Double(step - warmupSteps) / Double(span))
      return finalFraction + (1 - finalFraction) * (1 + cos(.pi * done)) / 2
    }
  }

  func validate() throws(TrainingError) {
    guard warmupSteps >= 0, decaySteps >= 0 else {
      throw TrainingError("the schedule's warm-up and decay must be 0 steps or more")
    }
    guard (0...1).contains(finalFraction) else {
      throw TrainingError("the schedule ends at \(finalFraction) of its peak; expected 0 to 1")
    }
  }
}
