import Foundation
import JetEvaluation
import JetTestSupport
import Testing

@testable import JetSearch

/// A value of the set of layers with full attention; counts its calls.
private final class SetObjective: PlacementObjective {
  let identity: String
  var calls: [Placement: Int] = [:]
  private let value: ([Int]) -> Double

  init(_ value: @escaping ([Int]) -> Double) {
    identity = "set"
    self.value = value
  }

  func observations(of placement: Placement) -> [Double] {
    calls[placement, default: 0] += 1
    let value = value(placement.layers(.full))
    return [value - 0.5, value + 0.5]
  }
}

@Suite("Placement strategies")
struct StrategyTests {
  private let folder: TemporaryFolder
  private let weights = [3.0, 9, 1, 7, 2, 8, 5]

  init() throws { folder = try TemporaryFolder() }

  private func makeScorer(
    _ objective: SetObjective, _ file: String = "journal"
  ) throws
    -> CandidateScorer
  {
    try CandidateScorer(objective, journal: Journal(folder.url.appending(path: file + ".sqlite")))
  }

  private func problem(_ count: Int, of layers: Int, free: [Int]? = nil) throws -> PlacementProblem
  {
    try PlacementProblem(
      base: Placement(repeating: .linear, count: layers), choice: .full, count: count, free: free)
  }

  /// Layers 0 and 4 are worth much together and nothing alone; 2 and 3 a little, 2 more.
  private func pair(_ layers: [Int]) -> Double {
    let set = Set(layers)
    let together = set.isSuperset(of: [0, 4]) ? 10.0 : 0
    return together + (set.contains(2) ? 2 : 0) + (set.contains(3) ? 1 : 0)
  }

  @Test("where layers add up, all searches find the same best")
  func additive() throws {
    let strategies: [any PlacementStrategy] = [
      try BeamSearch(width: 1), try BeamSearch(width: 3), ExhaustiveSearch(limit: 35),
      OneLayerRestored(), GreedyRemoval(),
    ]
    for (index, strategy) in strategies.enumerated() {
      let objective = SetObjective { $0.map { self.weights[$0] }.reduce(0, +) }
      let outcome = try makeScorer(objective, "\(index)").solve(
        problem(3, of: 7), by: strategy, stage: "placement")
      #expect(outcome.layers == [1, 3, 5], "\(strategy.name)")
      #expect(outcome.score.value == 24 && outcome.score.count == 2, "\(strategy.name)")
      #expect(outcome.computedCount == objective.calls.count, "\(strategy.name)")
      #expect(objective.calls.values.allSatisfy { $0 == 1 }, "\(strategy.name)")
    }
  }

  @Test("a pair that only works together is missed by single layers and a narrow beam")
  func together() throws {
    let narrow = try makeScorer(SetObjective(pair), "narrow")
    func layers(_ strategy: any PlacementStrategy) throws -> [Int] {
      try narrow.solve(problem(2, of: 6), by: strategy, stage: "placement").layers
    }
    #expect(try layers(BeamSearch(width: 1)) == [2, 3])
    #expect(try layers(OneLayerRestored()) == [2, 3])
    #expect(try layers(BeamSearch(width: 6)) == [0, 4])
    #expect(try layers(ExhaustiveSearch(limit: 15)) == [0, 4])
    #expect(try layers(GreedyRemoval()) == [0, 4])
  }

  @Test("a beam holds sets, not orders: with room for all of a size it scores each once")
  func distinctSets() throws {
    let objective = SetObjective(pair)
    let scorer = try makeScorer(objective)
    let outcome = try scorer.solve(
      problem(3, of: 6), by: BeamSearch(width: 100), stage: "placement")
    // C(6, 1) + C(6, 2) + C(6, 3); orders would be asked for again and count as known.
    #expect(outcome.computedCount == 6 + 15 + 20)
    #expect(outcome.knownCount == 0)
    #expect(outcome.layers == [0, 2, 4])
  }

  @Test("a beam that held duplicates would lose the second best")
  func distinctBeam() throws {
    // The best pair is reached from both of its layers; the best triple only from the second best pair.
    let values: [[Int]: Double] = [
      [0]: 9, [1]: 8, [0, 1]: 7, [0, 2]: 6, [2, 3]: 1, [0, 2, 3]: 20,
    ]
    let objective = SetObjective { values[$0] ?? 0 }
    let found = try BeamSearch(width: 2).solve(
      problem(3, of: 5), scorer: makeScorer(objective))
    #expect(found.layers(.full) == [0, 2, 3])
  }

  @Test("equal scores go by the layers' numbers")
  func ties() throws {
    let scorer = try makeScorer(SetObjective { _ in 1 })
    for strategy: any PlacementStrategy in [
      try BeamSearch(width: 2), ExhaustiveSearch(limit: 100), OneLayerRestored(), GreedyRemoval(),
    ] {
      let found = try strategy.solve(problem(2, of: 6, free: [5, 1, 3]), scorer: scorer)
      #expect(found.layers(.full) == [1, 3], "\(strategy.name)")
    }
  }

  @Test("the uniform placement takes the middle of each part of the free layers")
  func uniform() throws {
    let scorer = try makeScorer(SetObjective { _ in 0 })
    func layers(_ count: Int, _ layers: Int, _ free: [Int]? = nil) throws -> [Int] {
      let outcome = try scorer.solve(
        problem(count, of: layers, free: free), by: UniformPlacement(), stage: "placement")
      #expect(outcome.computedCount + outcome.knownCount == 1)
      return outcome.layers
    }
    #expect(try layers(2, 28) == [7, 21])
    #expect(try layers(3, 7) == [1, 3, 5])
    #expect(try layers(7, 7) == Array(0..<7))
    #expect(try layers(1, 7, [4]) == [4])
    #expect(try layers(2, 9, [0, 1, 7, 8]) == [1, 8])
    #expect(try layers(0, 7) == [])
  }

  @Test("single layers are ranked with their candidates")
  func ranking() throws {
    let scorer = try makeScorer(SetObjective { $0.map { self.weights[$0] }.reduce(0, +) })
    let ranking = try OneLayerRestored().ranking(problem(2, of: 7), scorer: scorer)
    #expect(ranking.map(\.layer) == [1, 5, 3, 6, 0, 4, 2])
    #expect(ranking.map(\.candidate.score.value) == [9, 8, 7, 5, 3, 2, 1])
  }

  @Test("other searches and a journal opened again score nothing a second time")
  func scoredOnce() throws {
    let objective = SetObjective(pair)
    let first = try makeScorer(objective)
    _ = try first.solve(problem(2, of: 6), by: BeamSearch(width: 6), stage: "placement")
    let count = first.computedCount
    #expect(count == 6 + 15)
    // Other constraints, same placements.
    let other = try first.solve(
      problem(2, of: 6, free: [0, 1, 2, 4]), by: ExhaustiveSearch(limit: 6), stage: "placement")
    #expect(other.computedCount == 0 && other.knownCount == 6 && other.layers == [0, 4])
    let reopened = try makeScorer(objective)
    let again = try reopened.solve(
      problem(3, of: 6), by: BeamSearch(width: 6), stage: "placement", name: "three")
    // Singles and pairs are known; only triples are new.
    #expect(again.knownCount == 21)
    #expect(again.computedCount == reopened.computedCount)
    #expect(objective.calls.values.allSatisfy { $0 == 1 })
    let kept = try Journal(folder.url.appending(path: "journal.sqlite")).results(
      PlacementOutcome.self, stage: "placement")
    #expect(kept.map(\.name) == ["beam", "exhaustive", "three"])
    #expect(kept.map(\.value.layers) == [[0, 4], [0, 4], [0, 2, 4]])
  }

  @Test("nothing to place is the base itself, whatever the strategy")
  func nothing() throws {
    let scorer = try makeScorer(SetObjective(pair))
    for strategy: any PlacementStrategy in [
      try BeamSearch(width: 2), ExhaustiveSearch(limit: 1), UniformPlacement(), OneLayerRestored(),
    ] {
      let outcome = try scorer.solve(problem(0, of: 6), by: strategy, stage: "placement")
      #expect(outcome.placement.key == "LLLLLL", "\(strategy.name)")
    }
  }

  @Test("constraints that cannot be met are refused before anything is scored")
  func impossible() throws {
    let base = Placement(repeating: .linear, count: 4)
    for (count, free): (Int, [Int]?) in [(5, nil), (-1, nil), (1, [4]), (1, [-1]), (1, [2, 2])] {
      #expect(throws: SearchError.self, "\(count) of \(free ?? [])") {
        try PlacementProblem(base: base, choice: .full, count: count, free: free)
      }
    }
    #expect(throws: SearchError.self) {
      try PlacementProblem(
        base: base.replacing([1], by: .full), choice: .full, count: 1, free: [0, 1])
    }
    #expect(throws: SearchError.self) { try BeamSearch(width: 0) }
    let objective = SetObjective(pair)
    let error = try #require(throws: SearchError.self) {
      try ExhaustiveSearch(limit: 14).solve(problem(2, of: 6), scorer: makeScorer(objective))
    }
    #expect(error.description.contains("15 ways"))
    #expect(throws: SearchError.self) {
      try ExhaustiveSearch(limit: .max).solve(problem(50, of: 100), scorer: makeScorer(objective))
    }
    #expect(objective.calls.isEmpty)
  }

  @Test("combinations are counted without overflow")
  func combinations() {
    #expect(ExhaustiveSearch.combinationCount(28, 2) == 378)
    #expect(ExhaustiveSearch.combinationCount(6, 6) == 1)
    #expect(ExhaustiveSearch.combinationCount(6, 0) == 1)
    #expect(ExhaustiveSearch.combinationCount(66, 33) == 7_219_428_434_016_265_740)
    #expect(ExhaustiveSearch.combinationCount(67, 33) == nil)
    #expect(ExhaustiveSearch.combinationCount(1_000_000, 500_000) == nil)
  }
}
