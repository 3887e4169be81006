/// A way to look for the best placement.
public protocol PlacementStrategy {
  /// The name in configurations, journals and reports, such as `beam`.
  var name: String { get }

  /// The placement that it finds; every candidate that it looks at is scored through `scorer`.
  ///
  /// - Throws: ``SearchError`` when the problem is too large for it, and what the scorer throws.
  func solve(_ problem: PlacementProblem, scorer: CandidateScorer) throws -> Placement
}
