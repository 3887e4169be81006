/// Scores placements by an objective, each at most once: what the journal knows is not computed again.
public final class CandidateScorer {
  /// What placements are judged by.
  public let objective: any PlacementObjective
  /// Placements that were computed, not found in the journal.
  public private(set) var computedCount = 0
  /// Placements that were found in the journal.
  public private(set) var knownCount = 0
  /// Told after each candidate, whether it was computed or known.
  public var onCandidate: (Candidate) throws -> Void = { _ in }

  let journal: Journal

  /// A scorer whose candidates are kept in `journal`.
  public init(_ objective: any PlacementObjective, journal: Journal) {
    self.objective = objective
    self.journal = journal
  }

  /// The score of a placement; recorded before it is given.
  ///
  /// - Throws: what the objective and the journal throw.
  public func candidate(_ placement: Placement) throws -> Candidate {
    if let known = try journal.candidate(placement, objective: objective.identity) {
      knownCount += 1
      try onCandidate(known)
      return known
    }
    let start = ContinuousClock.now
    let observations = try objective.observations(of: placement)
    guard !observations.isEmpty, observations.allSatisfy(\.isFinite) else {
      throw SearchError(
        "the objective gave \(observations.isEmpty ? "no" : "infinite") observations for \(placement); "
          + "check the weights of the super network and the items of the objective")
    }
    let made = Candidate(placement, observations: observations)
    try journal.record(
      made, objective: objective.identity, seconds: (ContinuousClock.now - start) / .seconds(1))
    computedCount += 1
    try onCandidate(made)
    return made
  }
}
