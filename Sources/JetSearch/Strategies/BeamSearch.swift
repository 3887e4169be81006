/// Beam search: one layer more at a time, the best sets of each size going on.
///
/// From the base, every set of the beam is extended by each layer that it lacks; of the sets that come of it, each once
/// whatever the order in which it arose, the `width` best make the next beam. Equal scores go by the layers' numbers, the
/// lower first. At most `width · free · count` placements are scored.
///
/// - Source: Gu et al. 2025, [arXiv:2508.15884](https://arxiv.org/abs/2508.15884), section 2.2.
public struct BeamSearch: PlacementStrategy {
  /// How many sets of each size go on.
  public var width: Int

  /// A beam search.
  ///
  /// - Throws: ``SearchError`` when `width` is not positive.
  public init(width: Int) throws(SearchError) {
    guard width > 0 else {
      throw SearchError("a beam of width \(width) keeps no placement; ask for 1 or more")
    }
    self.width = width
  }

  /// `beam`.
  public var name: String { "beam" }

  /// The best set of `count` layers that the last beam holds.
  public func solve(
    _ problem: PlacementProblem, scorer: CandidateScorer
  ) throws -> Placement {
    var beam: [[Int]] = [[]]
    for _ in 0..<problem.count {
      let extended = beam.flatMap { set in
        problem.free.filter { !set.contains($0) }.map { (set + [$0]).sorted() }
      }
      let sets = Set(extended).sorted { $0.lexicographicallyPrecedes($1) }
      beam = try scorer.ranked(sets, problem).prefix(width).map(\.layers)
    }
    return problem.placing(beam[0])
  }
}
