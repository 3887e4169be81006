import Foundation
import JetEvaluation
import JetModels
import JetTensor
import JetTestSupport
import JetTraining
import Testing

@testable import JetSearch

/// Searches on a teacher of which it is known which two layers must keep attention.
@Suite struct PlantedSearchTests {
  /// A super network whose linear mixers are small and have learnt for a moment.
  private func network() throws -> SuperNetwork {
    let batches = (0..<16).map { index in
      PackedBatch(PlantedTeacher.texts(6, seed: 100 + UInt64(index)).map(TinyNetwork.packed))
    }
    let network = try SuperNetwork(
      teacher: PlantedTeacher.model(),
      linear: .retNet(RetNetConfiguration(heads: 1, keyWidth: 2, valueWidth: 4)), seed: 1,
      calibration: batches[0])
    let parameters = try network.trainedParameters(rules: SuperNetwork.rules(attention: false))
    let layers = try SuperNetworkTraining(network, .layers, parameters: parameters)
    let losses = try train(layers, parameters, rate: 3e-3, steps: 100) { batches[$0 % 16] }
    #expect(losses[99] < losses[0])
    return network
  }

  @Test func searchesOfSetsFindThePairThatOnlyWorksTogether() throws {
    let network = try network()
    let folder = try TemporaryFolder()
    let objective = try DivergenceObjective(
      network: network, weights: network.identity(), windows: PlantedTeacher.texts(24, seed: 5))
    let scorer = try CandidateScorer(
      objective, journal: try Journal(folder.url.appending(path: "journal.sqlite")))
    let problem = try PlacementProblem(
      base: Placement(repeating: .linear, count: PlantedTeacher.layers), choice: .full, count: 2)
    func layers(_ strategy: some PlacementStrategy) throws -> [Int] {
      try strategy.solve(problem, scorer: scorer).layers(.full)
    }
    func candidate(_ layers: [Int]) throws -> Candidate {
      try scorer.candidate(problem.placing(layers))
    }

    #expect(try layers(ExhaustiveSearch(limit: 100)) == PlantedTeacher.pair)
    #expect(try layers(BeamSearch(width: 3)) == PlantedTeacher.pair)
    // All pairs and single layers, each scored once by whichever search came first.
    #expect(scorer.computedCount == 15 + 6)

    // The layer that looks for slots harms while they are empty, so its rank is the last.
    let none = try candidate([])
    #expect(try candidate([4]).score.value < none.score.value)
    #expect(try candidate([0]).score.value > none.score.value)
    let ranked = try layers(OneLayerRestored())
    #expect(ranked != PlantedTeacher.pair)
    #expect(!ranked.contains(4))
    let uniform = try layers(UniformPlacement())
    for worse in [ranked, uniform] where worse != PlantedTeacher.pair {
      let gain = try candidate(PlantedTeacher.pair).difference(to: candidate(worse))
      #expect(gain.value > 3 * (gain.standardError ?? .infinity))
    }

    let batch = PackedBatch(PlantedTeacher.texts(24, seed: 6).map(TinyNetwork.packed))
    let gates = try GateStrategy(
      network, batches: [batch],
      configuration: GateConfiguration(steps: 120, learningRate: 0.1, recomputes: false))
    #expect(try layers(gates) == PlantedTeacher.pair, "\(gates.gates)")
  }
}
