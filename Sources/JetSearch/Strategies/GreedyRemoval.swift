/// Removal: all free layers begin with the choice, and the one whose loss harms least gives it up, until `count` are left.
///
/// At most `free·(free + 1)/2` placements are scored; of equal scores the higher layer gives up.
///
/// - Source: the order of replacement in [arXiv:2601.11667](https://arxiv.org/abs/2601.11667).
public struct GreedyRemoval: PlacementStrategy {
  /// The strategy, which has no settings.
  public init() {}

  /// `removal`.
  public var name: String { "removal" }

  /// What is left.
  public func solve(
    _ problem: PlacementProblem, scorer: CandidateScorer
  ) throws -> Placement {
    var left = problem.free
    while left.count > problem.count {
      let smaller = left.reversed().map { removed in left.filter { $0 != removed } }
      left = try scorer.ranked(smaller, problem)[0].layers
    }
    return try scorer.candidate(problem.placing(left)).placement
  }
}
