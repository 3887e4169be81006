import Foundation
import JetModels
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

  /// Stops after a number of steps, as a kill between two steps does.
  private struct Killed: Error {}

  private func solve(
    _ configuration: GateConfiguration, in folder: URL, weights: String = "w",
    stopsAfter last: Int = .max
  ) throws -> (gates: [Int: Double], history: [[Double]]) {
    let network = try TinyNetwork.make()
    let objective = try DivergenceObjective(
      network: network, weights: "w", windows: [TinyNetwork.tokens(24, seed: 1)])
    let scorer = try CandidateScorer(
      objective, journal: try Journal(folder.appending(path: "journal.sqlite")))
    let strategy = try GateStrategy(
      network, batches: (1...3).map { TinyNetwork.batch(seed: $0) }, configuration: configuration)
    strategy.checkpoints = GateCheckpoints(
      folder: folder.appending(path: "gates"), weights: weights)
    var history: [[Double]] = []
    strategy.onStep = { step, divergence, gates in
      history.append([Double(step), divergence] + gates)
      if step + 1 == last { throw Killed() }
    }
    let problem = try PlacementProblem(
      base: #require(Placement(key: "LLLL")), choice: .full, count: 2)
    do { _ = try strategy.solve(problem, scorer: scorer) } catch is Killed {}
    return (strategy.gates, history)
  }

  @Test func killedTheyGoOnAndEndInTheSameBits() throws {
    let configuration = GateConfiguration(steps: 8, learningRate: 0.2)
    let whole = try TemporaryFolder()
    let expected = try solve(configuration, in: whole.url)
    let cut = try TemporaryFolder()
    var history: [[Double]] = []
    for last in [1, 5, 8] {
      history += try solve(configuration, in: cut.url, stopsAfter: last).history
    }
    let end = try solve(configuration, in: cut.url)
    #expect(end.history.isEmpty)
    #expect(history == expected.history)
    #expect(end.gates == expected.gates)
    // Other values and other weights begin anew.
    var other = configuration
    other.learningRate = 0.1
    #expect(try solve(other, in: cut.url).history.count == 8)
    #expect(try solve(configuration, in: whole.url, weights: "v").history.count == 8)
  }

  /// A checkpoint after two of four steps, what it is of, and an optimizer to read it into.
  private struct Interrupted {
    let folder: TemporaryFolder
    let work: GateCheckpoint.Work
    let optimizer: AdamW
    let text: String
    var file: URL { folder.url.appending(path: "gates/full-2.json") }

    init(_ tests: GateTests) throws {
      let configuration = GateConfiguration(steps: 4, learningRate: 0.2)
      folder = try TemporaryFolder()
      _ = try tests.solve(configuration, in: folder.url, stopsAfter: 2)
      text = try String(
        contentsOf: folder.url.appending(path: "gates/full-2.json"), encoding: .utf8)
      let network = try TinyNetwork.make()
      let problem = try PlacementProblem(
        base: #require(Placement(key: "LLLL")), choice: .full, count: 2)
      work = GateCheckpoint.Work(
        problem, configuration, (1...3).map { TinyNetwork.batch(seed: $0) }, network.teacher.dtype,
        weights: "w")
      optimizer = AdamW(
        try GatedPass(network, problem, recomputes: false).parameters, AdamWConfiguration())
    }

    func read(_ text: String) throws -> GateCheckpoint {
      try Data(text.utf8).write(to: file)
      return try GateCheckpoint.read(file, work, into: optimizer)
    }
  }

  @Test func aDamagedCheckpointIsNamed() throws {
    let interrupted = try Interrupted(self)
    let text = interrupted.text
    #expect(try interrupted.read(text).steps == 2)
    func with(_ key: String, _ value: String) throws -> String {
      let range = try #require(
        text.range(of: "\"\(key)\" : (\\[[^\\]]*\\]|[0-9]+)", options: .regularExpression))
      return text.replacingCharacters(in: range, with: "\"\(key)\" : \(value)")
    }
    for (damaged, words) in [
      ("", "is damaged"), (String(text.prefix(40)), "is damaged"), ("[]", "is damaged"),
      (try with("steps", "\"2\""), "is damaged"), (try with("logits", "[null]"), "is damaged"),
      (try with("steps", "9"), "does not fit"), (try with("steps", "0"), "does not fit"),
      (try with("logits", "[1, 2, 3]"), "does not fit"),
      (try with("logits", "[1, 2, 3, 1e300]"), "does not fit"),
      (try with("secondMoments", "[1, 2, 3, -1]"), "does not fit"),
      (try with("order", "[7]"), "does not fit"),
    ] {
      let error = try #require(throws: SearchError.self) { _ = try interrupted.read(damaged) }
      #expect(error.description.contains("full-2.json") && error.description.contains(words))
    }
    // Other text, of as many batches, begins anew.
    var other = interrupted.work
    other.text += 1
    #expect(
      try GateCheckpoint.read(interrupted.file, other, into: interrupted.optimizer).steps == 0)
  }

  @Test func noDamageOfACheckpointTraps() throws {
    let interrupted = try Interrupted(self)
    let bytes = Array(interrupted.text.utf8)
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<400 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        changed[Int.random(in: changed.indices, using: &generator)] = UInt8.random(
          in: 0x20..<0x7F, using: &generator)
      }
      do {
        let found = try interrupted.read(String(decoding: changed, as: UTF8.self))
        #expect((0...4).contains(found.steps))
      } catch is SearchError {}
    }
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
