/// Scores placements by an objective, each at most once: what the journal knows is not computed again.
///
/// Several processes may score the candidates of one search, each those that no other has in hand.
public final class CandidateScorer {
  /// What placements are judged by.
  public let objective: any PlacementObjective
  /// Placements that were computed, by this process or another that works on the same search, perhaps for another strategy.
  public private(set) var computedCount = 0
  /// Placements that the journal knew when they were asked for.
  public private(set) var knownCount = 0
  /// Told after each candidate, whether it was computed or known.
  public var onCandidate: (Candidate) throws -> Void = { _ in }
  /// Called again and again while another process has a candidate in hand.
  public var whileWaiting: () throws -> Void = {}

  let journal: Journal
  /// The number of the last candidate that was known when the search at hand began.
  private var start: Int
  /// The numbers of those that were computed since.
  private var computedNumbers: Set<Int> = []
  private let claims: WorkClaims?

  /// A scorer whose candidates are kept in `journal`.
  public convenience init(_ objective: any PlacementObjective, journal: Journal) throws {
    try self.init(objective, journal: journal, claims: nil)
  }

  /// A scorer that shares its work with other processes.
  init(_ objective: any PlacementObjective, journal: Journal, claims: WorkClaims?) throws {
    self.objective = objective
    self.journal = journal
    self.claims = claims
    start = try journal.lastCandidate()
  }

  /// Counts from here on what is computed: all candidates with numbers above `start`, or above the last one's.
  func begin(after start: Int?) throws {
    self.start = try start ?? journal.lastCandidate()
    computedNumbers = []
  }

  /// The score of a placement; recorded before it is given.
  ///
  /// - Throws: what the objective and the journal throw.
  public func candidate(_ placement: Placement) throws -> Candidate {
    guard let made = try candidate(placement, waits: true) else {
      throw SearchError("the journal lost the candidate \(placement); check the disk")
    }
    return made
  }

  /// The scores of placements, in their order.
  ///
  /// - Throws: what the objective and the journal throw.
  public func candidates(_ placements: [Placement]) throws -> [Candidate] {
    try WorkClaims.all(placements, whileWaiting: { _ in try whileWaiting() }) {
      try candidate($0, waits: false)
    }
  }

  private func candidate(_ placement: Placement, waits: Bool) throws -> Candidate? {
    let found: (number: Int, candidate: Candidate)?
    if let claims {
      found = try claims.perform(
        "candidate/\(objective.identity)/\(placement.key)", waits: waits,
        known: { try known(placement) }, whileWaiting: whileWaiting, { try compute(placement) })
    } else {
      found = try known(placement) ?? compute(placement)
    }
    guard let (number, candidate) = found else { return nil }
    if number > start, computedNumbers.insert(number).inserted {
      computedCount += 1
    } else {
      knownCount += 1
    }
    try onCandidate(candidate)
    return candidate
  }

  private func known(_ placement: Placement) throws -> (number: Int, candidate: Candidate)? {
    try journal.numbered(placement, objective: objective.identity)
  }

  private func compute(_ placement: Placement) throws -> (number: Int, candidate: Candidate)? {
    let start = ContinuousClock.now
    let observations = try objective.observations(of: placement)
    guard !observations.isEmpty, observations.allSatisfy(\.isFinite) else {
      throw SearchError(
        "the objective gave \(observations.isEmpty ? "no" : "infinite") observations for \(placement); "
          + "check the weights of the super network and the items of the objective")
    }
    try journal.record(
      Candidate(placement, observations: observations), objective: objective.identity,
      seconds: (ContinuousClock.now - start) / .seconds(1))
    return try known(placement)
  }
}
