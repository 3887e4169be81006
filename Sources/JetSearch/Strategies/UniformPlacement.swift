/// Layers at even distances: what a search has to beat.
///
/// The free layers, `n` in their order, are cut into `count` equal parts, and the middle of each is taken: of part `i` the
/// free layer of number `⌊(2i + 1) n / (2 count)⌋`. Of 28 layers two are 7 and 21.
public struct UniformPlacement: PlacementStrategy {
  /// The strategy, which has no settings.
  public init() {}

  /// `uniform`.
  public var name: String { "uniform" }

  /// The even placement; scored, so that it can be compared.
  public func solve(
    _ problem: PlacementProblem, scorer: CandidateScorer
  ) throws -> Placement {
    let layers = (0..<problem.count).map { part in
      problem.free[(2 * part + 1) * problem.free.count / (2 * problem.count)]
    }
    return try scorer.candidate(problem.placing(layers)).placement
  }
}
