public import JetEvaluation

/// What a strategy made of a problem.
public struct PlacementOutcome: Codable, Hashable, Sendable {
  /// The strategy's name.
  public var strategy: String
  /// What was asked.
  public var problem: PlacementProblem
  /// What was found.
  public var placement: Placement
  /// The score of the placement.
  public var score: Score
  /// Candidates that were computed for it.
  public var computedCount: Int
  /// Candidates that the journal knew already.
  public var knownCount: Int
  /// How long the strategy took.
  public var seconds: Double

  /// An outcome with all its values.
  public init(
    strategy: String, problem: PlacementProblem, placement: Placement, score: Score,
    computedCount: Int, knownCount: Int, seconds: Double
  ) {
    self.strategy = strategy
    self.problem = problem
    self.placement = placement
    self.score = score
    self.computedCount = computedCount
    self.knownCount = knownCount
    self.seconds = seconds
  }

  /// The layers that got the choice, ascending: those of the free layers that have it.
  public var layers: [Int] {
    problem.free.filter { placement.choices[$0] == problem.choice }
  }
}

extension CandidateScorer {
  /// Solves a problem by a strategy and records the outcome in the journal.
  ///
  /// - Parameters:
  ///   - problem: what is placed.
  ///   - strategy: how it is looked for.
  ///   - stage: the journal's stage.
  ///   - name: the result's name in the stage; the strategy's own when nil.
  ///   - start: the number of the last candidate before the first process began on it; the journal's last when nil.
  /// - Throws: what the strategy, the objective and the journal throw.
  public func solve(
    _ problem: PlacementProblem, by strategy: any PlacementStrategy, stage: String,
    name: String? = nil, after start: Int? = nil
  ) throws -> PlacementOutcome {
    try begin(after: start)
    let (computed, known, began) = (computedCount, knownCount, ContinuousClock.now)
    let placement = try strategy.solve(problem, scorer: self)
    let (computedByIt, knownByIt) = (computedCount - computed, knownCount - known)
    let outcome = PlacementOutcome(
      strategy: strategy.name, problem: problem, placement: placement,
      // A strategy need not have scored what it gives.
      score: try candidate(placement).score, computedCount: computedByIt, knownCount: knownByIt,
      seconds: (ContinuousClock.now - began) / .seconds(1))
    try journal.record(outcome, stage: stage, name: name ?? strategy.name)
    return outcome
  }
}
