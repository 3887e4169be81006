import JetEvaluation

/// A set of layers with what their placement gave.
struct RankedLayers {
  /// Ascending.
  let layers: [Int]
  let candidate: Candidate
}

extension CandidateScorer {
  /// Sets of layers, the best first; equal scores keep the order in which they are given.
  func ranked(_ sets: [[Int]], _ problem: PlacementProblem) throws -> [RankedLayers] {
    let scored = zip(sets, try candidates(sets.map { problem.placing($0) })).map {
      RankedLayers(layers: $0, candidate: $1)
    }
    return scored.enumerated().sorted { a, b in
      let (left, right) = (a.element.candidate.score.value, b.element.candidate.score.value)
      return left == right ? a.offset < b.offset : left > right
    }.map(\.element)
  }
}
