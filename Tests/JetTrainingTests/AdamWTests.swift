import Foundation
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("AdamW")
struct AdamWTests {
  private struct Case: Decodable {
    struct Step: Decodable {
      let fraction: Double
      let gradients: [[Double]]
      let norm: Double
      let weights: [[Double]]
    }

    let configuration: AdamWConfiguration
    let shapes: [[Int]]
    let first: [[Double]]
    let steps: [Step]
  }

  private func cases() throws -> [Case] {
    try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: fixtures.appending(path: "adamw.json")))
  }

  private func leaves(_ values: [[Double]], _ shapes: [[Int]], dtype: DType) -> TrainedParameters {
    TrainedParameters(
      leaves: zip(values, shapes).enumerated().map { index, pair in
        let tensor = Tensor(pair.0, shape: pair.1).to(dtype).requiringGradient()
        let plain = tensor.detached()
        return TrainedLeaf(
          names: ["\(index)"], computed: tensor, master: dtype == .float32 ? plain : plain.float32,
          decays: pair.1.count >= 2, rateFactor: 1, rows: [pair.1[0]])
      })
  }

  @Test("its steps are those of the published formula", arguments: [0, 1])
  func formula(index: Int) throws {
    let stored = try cases()[index]
    let parameters = leaves(stored.first, stored.shapes, dtype: .float32)
    let optimizer = AdamW(parameters, stored.configuration)
    for step in stored.steps {
      let sums = GradientSums(count: 2)
      sums.add(
        zip(step.gradients, stored.shapes).map { Tensor($0, shape: $1).float32 }, at: [0, 1])
      guard case .stepped(let norm) = optimizer.step(sums, rateFraction: step.fraction) else {
        Issue.record("the step was skipped")
        return
      }
      #expect(abs(norm - step.norm) < 1e-5 * step.norm)
      for (leaf, weights) in zip(parameters.leaves, step.weights) {
        #expect(relativeError(leaf.computed, Tensor(weights, shape: leaf.computed.shape)) < 1e-6)
      }
    }
  }

  @Test("a bfloat16 model follows its float32 masters, which small steps add up in")
  func masters() {
    let parameters = leaves([[1, 1]], [[1, 2]], dtype: .bfloat16)
    let optimizer = AdamW(parameters, AdamWConfiguration(learningRate: 1e-4, weightDecay: 0))
    for _ in 0..<100 {
      let sums = GradientSums(count: 1)
      sums.add([Tensor([Float(0.5), -0.5], shape: [1, 2]).to(.bfloat16)], at: [0])
      _ = optimizer.step(sums, rateFraction: 1)
    }
    let wanted = Tensor([Float(0.99), 1.01], shape: [1, 2])
    #expect(relativeError(parameters.leaves[0].master, wanted) < 1e-5)
    let computed = parameters.leaves[0].computed
    #expect(computed.dtype == .bfloat16)
    #expect(
      computed.array(of: Float.self) == wanted.to(.bfloat16).array(of: Float.self))
  }

  @Test("a gradient that is not finite changes nothing", arguments: [Float.nan, .infinity])
  func notFinite(value: Float) {
    let parameters = leaves([[1, 2], [3]], [[1, 2], [1]], dtype: .float32)
    let optimizer = AdamW(parameters, AdamWConfiguration())
    let sums = GradientSums(count: 2)
    sums.add([Tensor([Float(1), value], shape: [1, 2]), Tensor([Float(1)])], at: [0, 1])
    #expect(optimizer.step(sums, rateFraction: 1) == .skipped)
    #expect(optimizer.stepCount == 0)
    #expect(parameters.leaves[0].master.array(of: Float.self) == [1, 2])
    #expect(optimizer.firstMoments[0].array(of: Float.self) == [0, 0])
  }

  @Test("a leaf without a gradient stays as it is")
  func absent() {
    let parameters = leaves([[1, 2], [3]], [[1, 2], [1]], dtype: .float32)
    let optimizer = AdamW(parameters, AdamWConfiguration(weightDecay: 0.5))
    let sums = GradientSums(count: 2)
    sums.add([Tensor([Float(1)])], at: [1])
    _ = optimizer.step(sums, rateFraction: 1)
    #expect(parameters.leaves[0].master.array(of: Float.self) == [1, 2])
    #expect(parameters.leaves[1].master.array(of: Float.self) != [3])
  }
}
