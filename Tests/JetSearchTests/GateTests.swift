import Foundation
import JetTensor
import JetTestSupport
import JetTraining
import Testing

@testable import JetSearch

@Suite struct GateTests {
  private func solve(
    _ configuration: GateConfiguration, count: Int = 2, choice: LayerChoice = .full,
    base: String = "LLLL"
  ) throws -> (Placement, [Int: Double], [[Double]]) {
    let network = try TinyNetwork.make()
    let objective = try DivergenceObjective(
      network: network, weights: "w", windows: [TinyNetwork.tokens(24, seed: 1)])
    let folder = try TemporaryFolder()
    let scorer = try CandidateScorer(
      objective, journal: try Journal(folder.url.appending(path: "journal.sqlite")))
    let problem = try PlacementProblem(
      base: #require(Placement(key: base)), choice: choice, count: count)
    let strategy = try GateStrategy(
      network, batches: [TinyNetwork.batch(seed: 1), TinyNetwork.batch(seed: 2)],
      configuration: configuration)
    var history: [[Double]] = []
    strategy.onStep = { history.append([$1] + $2) }
    let placement = try strategy.solve(problem, scorer: scorer)
    #expect(scorer.computedCount == 1)
    return (placement, strategy.gates, history)
  }

  @Test func gatesKeepToTheBudgetAndAreTheSameAgain() throws {
    let configuration = GateConfiguration(steps: 60, learningRate: 0.2, penalty: 4)
    let (placement, gates, history) = try solve(configuration)
    #expect(placement.layers(.full).count == 2)
    #expect(Set(gates.keys) == [0, 1, 2, 3])
    #expect(abs(gates.values.reduce(0, +) - 2) < 0.5)
    let chosen = gates.sorted { $0.value > $1.value }.prefix(2).map(\.key).sorted()
    #expect(placement.layers(.full) == chosen)
    let again = try solve(configuration)
    #expect(again.0 == placement)
    #expect(again.2 == history)
  }

  @Test func recomputationChangesNothing() throws {
    var configuration = GateConfiguration(steps: 5, learningRate: 0.2)
    let first = try solve(configuration)
    configuration.recomputes = false
    let second = try solve(configuration)
    for (a, b) in zip(first.2, second.2) {
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }

  @Test func windowsArePlacedToo() throws {
    let (placement, gates, _) = try solve(
      GateConfiguration(steps: 5), count: 1, choice: .window, base: "LFLL")
    #expect(placement.layers(.window).count == 1)
    #expect(placement.choices[1] == .full)
    #expect(Set(gates.keys) == [0, 2, 3])
  }

  @Test func gradientsAreThoseOfDifferences() throws {
    let network = try TinyNetwork.make()
    let problem = try PlacementProblem(
      base: #require(Placement(key: "LLLL")), choice: .full, count: 2)
    let blend = try GatedPass(network, problem, recomputes: true)
    let batch = TinyNetwork.batch(seed: 3)
    func loss(_ sums: GradientSums) -> Double {
      let divergence = blend.accumulate(batch, 0, temperature: 0.7, penalty: 0.5, into: sums)
      let excess = (blend.gates(0.7).reduce(0, +) - 2) / 2
      return divergence.item(as: Double.self) + 0.5 * excess * excess
    }
    let sums = GradientSums(count: 4)
    _ = loss(sums)
    for (index, leaf) in blend.parameters.leaves.enumerated() {
      let step = 0.02
      leaf.master.fill(step)
      let above = loss(GradientSums(count: 4))
      leaf.master.fill(-step)
      let below = loss(GradientSums(count: 4))
      leaf.master.fill(0)
      let given = try #require(sums.sums[index]).item(as: Double.self)
      let wanted = (above - below) / (2 * step)
      #expect(abs(given - wanted) < 2e-2 * abs(wanted) + 1e-3)
    }
  }
}
