/// The layers that are best alone: each free layer gets the choice in the base by itself, and the top `count` are taken.
///
/// `free + 1` placements are scored. What layers do only together it cannot see.
///
/// - Source: Li et al. 2025, [arXiv:2512.20569](https://arxiv.org/abs/2512.20569), which scores by the divergence from the
///   teacher; here the objective decides.
public struct OneLayerRestored: PlacementStrategy {
  /// The strategy, which has no settings.
  public init() {}

  /// `one_layer`.
  public var name: String { "one_layer" }

  /// The placement of the layers that are best alone; scored, so that it can be compared.
  public func solve(
    _ problem: PlacementProblem, scorer: CandidateScorer
  ) throws -> Placement {
    guard problem.count > 0 else { return try scorer.candidate(problem.base).placement }
    let best = try ranking(problem, scorer: scorer).prefix(problem.count).map(\.layer)
    return try scorer.candidate(problem.placing(best)).placement
  }

  /// Each free layer with the candidate that has the choice there alone, the best first, equal ones by number.
  public func ranking(
    _ problem: PlacementProblem, scorer: CandidateScorer
  ) throws -> [(layer: Int, candidate: Candidate)] {
    try scorer.ranked(problem.free.map { [$0] }, problem).map { ($0.layers[0], $0.candidate) }
  }
}
