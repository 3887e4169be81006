import JetEvaluation

/// All placements of a problem, where they are few: what other strategies are measured by.
///
/// Sets of layers come in lexicographic order; of equal scores the first wins.
public struct ExhaustiveSearch: PlacementStrategy {
  /// How many placements may be scored.
  public var limit: Int

  /// An exhaustive search.
  public init(limit: Int) { self.limit = limit }

  /// `exhaustive`.
  public var name: String { "exhaustive" }

  /// The best of all placements.
  ///
  /// - Throws: ``SearchError`` when there are more than ``limit``, before any is scored.
  public func solve(
    _ problem: PlacementProblem, scorer: CandidateScorer
  ) throws -> Placement {
    guard let all = Self.combinationCount(problem.free.count, problem.count), all <= limit else {
      let all = Self.combinationCount(problem.free.count, problem.count).map(String.init)
      throw SearchError(
        "\(problem.count) of \(problem.free.count) layers can be chosen in \(all ?? "over 2⁶³") ways, "
          + "more than the \(limit) that may be scored; raise the limit or take the beam search")
    }
    var best: Candidate?
    var chosen = Array(0..<problem.count)
    var isLeft = true
    while isLeft {
      // Some at a time, which several processes may share.
      var next: [Placement] = []
      while isLeft, next.count < 64 {
        next.append(problem.placing(chosen.map { problem.free[$0] }))
        isLeft = Self.advance(&chosen, below: problem.free.count)
      }
      for candidate in try scorer.candidates(next)
      where best.map({ candidate.score.value > $0.score.value }) ?? true {
        best = candidate
      }
    }
    return best?.placement ?? problem.base
  }

  /// `C(n, k)`; nil where it exceeds what `Int` holds.
  static func combinationCount(_ n: Int, _ k: Int) -> Int? {
    let smaller = min(k, n - k)
    var count = 1
    for i in 0..<smaller {
      // C(n, i + 1) = C(n, i)·(n − i)/(i + 1), the product in 128 bits.
      let product = count.multipliedFullWidth(by: n - i)
      let divisor = i + 1
      guard product.high < divisor else { return nil }
      // The quotient may still need the sign's bit.
      let quotient = UInt(divisor).dividingFullWidth((UInt(product.high), product.low)).quotient
      guard let next = Int(exactly: quotient) else { return nil }
      count = next
    }
    return count
  }

  /// The next combination of numbers below `end`; false after the last.
  private static func advance(_ chosen: inout [Int], below end: Int) -> Bool {
    guard
      let place = chosen.indices.last(where: { chosen[$0] < end - chosen.count + $0 })
    else { return false }
    chosen[place] += 1
    for later in chosen.indices.dropFirst(place + 1) { chosen[later] = chosen[later - 1] + 1 }
    return true
  }
}
