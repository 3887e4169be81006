public import JetEvaluation

/// A placement with what an objective gave it.
public struct Candidate: Hashable, Sendable {
  /// The placement.
  public var placement: Placement
  /// One an item, greater is better.
  public var observations: [Double]
  /// Their mean with its standard error.
  public var score: Score

  /// A candidate.
  ///
  /// - Precondition: there is at least one observation.
  public init(_ placement: Placement, observations: [Double]) {
    self.placement = placement
    self.observations = observations
    score = Score(of: observations)
  }

  /// `self − other`, item by item.
  ///
  /// - Precondition: both have the same items.
  public func difference(to other: Candidate) -> Score {
    precondition(observations.count == other.observations.count, "candidates of other items")
    return Score(of: zip(observations, other.observations).map { $0 - $1 })
  }
}
