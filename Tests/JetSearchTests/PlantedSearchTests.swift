import Foundation
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

  @Test func table() throws {
    let network = try network()
    let objective = try DivergenceObjective(
      network: network, weights: network.identity(), windows: PlantedTeacher.texts(24, seed: 5))
    func score(_ layers: [Int]) throws -> Double {
      let all = Placement(repeating: .linear, count: 6)
      let values = try objective.observations(of: all.replacing(layers, by: .full))
      return values.reduce(0, +) / Double(values.count)
    }
    print("none", try score([]))
    for a in 0..<6 { print(a, try score([a])) }
    for a in 0..<6 { for b in a + 1..<6 { print(a, b, try score([a, b])) } }
    print(try score([0, 1, 2, 4]))
  }
}
