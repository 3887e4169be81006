import Foundation
import JetEvaluation
import JetModels
import JetTensor
import JetTestSupport
import JetTraining
import Testing

@testable import JetSearch

@Suite struct ObjectiveTests {
  private let placements = ["LLLL", "FLLL", "LFLL", "LFWL", "FFFF", "LFWL"]

  /// `−KL` of each window, one forward pass each and nothing shared.
  private func direct(
    _ network: SuperNetwork, _ placement: Placement, _ windows: [[Int]]
  ) throws -> [Double] {
    let model = try network.model(placement)
    return withoutGradients {
      windows.map { window in
        func logarithms(_ model: HybridModel) -> Tensor {
          model.logits(model(TokenBatch([window]))).logSoftmax(dim: -1).to(.float64)
        }
        let (theirs, ours) = (logarithms(network.teacher), logarithms(model))
        return -(exp(theirs) * (theirs - ours)).sum([-1]).mean().item(as: Double.self)
      }
    }
  }

  @Test(arguments: [0, 1 << 30], [0, 1 << 30])
  func theDivergenceIsThatOfSinglePasses(_ teacherBytes: Int, _ prefixBytes: Int) throws {
    let network = try TinyNetwork.make()
    let windows = (0..<5).map { TinyNetwork.tokens(20, seed: 40 + UInt64($0)) }
    let objective = try DivergenceObjective(
      network: network, weights: "w", windows: windows,
      limits: .init(
        batchWindows: 2, chunkRows: 13, teacherBytes: teacherBytes, prefixBytes: prefixBytes))
    for key in placements {
      let placement = try #require(Placement(key: key))
      let given = try objective.observations(of: placement)
      let wanted = try direct(network, placement, windows)
      #expect(given.count == windows.count)
      #expect(zip(given, wanted).allSatisfy { abs($0 - $1) < 1e-5 + 1e-4 * abs($1) }, "\(key)")
    }
    // Three batches of four layers for each of six candidates; the fourth shares two with the third.
    #expect(objective.layersRun == (prefixBytes == 0 ? 72 : 72 - 3 * 2))
  }

  @Test func whatObservationsDependOnIsInTheName() throws {
    let network = try TinyNetwork.make()
    func name(_ weights: String, _ windows: [[Int]]) throws -> String {
      try DivergenceObjective(network: network, weights: weights, windows: windows).identity
    }
    let names = [
      try name("a", [[1, 2]]), try name("b", [[1, 2]]), try name("a", [[1, 3]]),
      try name("a", [[1], [2]]),
    ]
    #expect(Set(names).count == 4)
    #expect(try name("a", [[1, 2]]) == names[0])
    #expect(throws: SearchError.self) { try name("a", []) }
    #expect(throws: SearchError.self) { try name("a", [[1, 2], [1]]) }
    #expect(throws: SearchError.self) { try name("a", [[257]]) }
  }

  private var choices: EvaluationTask {
    let items = (0..<6).map { index in
      ChoiceItem(
        id: "\(index)",
        requests: ["cat", "dog", "horse"].map {
          ContinuationRequest(context: "item \(index) is a", continuation: " " + $0)
        }, choices: ["cat", "dog", "horse"], answer: index % 3)
    }
    return EvaluationTask(name: "animals", questions: .choices(items, .characters))
  }

  @Test(arguments: ["accuracy", "answer_loss"])
  func aTaskIsJudgedAsByEvaluation(_ metric: String) throws {
    let network = try TinyNetwork.make()
    let objective = try TaskObjective(
      choices, metric: metric, network: network, weights: "w", tokenizer: TinyNetwork.tokenizer(),
      endTokens: [256], batchTokens: 64)
    for key in placements {
      let placement = try #require(Placement(key: key))
      let model = try HybridLanguageModel(
        network.model(placement), tokenizer: TinyNetwork.tokenizer(), endTokens: [256])
      let wanted = try evaluate(choices, on: model).items.compactMap { $0.values[metric] }
        .map { metric == "accuracy" ? $0 : -$0 }
      let given = try objective.observations(of: placement)
      #expect(zip(given, wanted).allSatisfy { abs($0 - $1) < 1e-4 })
      #expect(given.count == wanted.count)
    }
  }

  @Test func tasksMetricsAndWeightsHaveNamesOfTheirOwn() throws {
    let network = try TinyNetwork.make()
    func name(_ task: EvaluationTask, _ metric: String, _ weights: String) throws -> String {
      try TaskObjective(
        task, metric: metric, network: network, weights: weights,
        tokenizer: TinyNetwork.tokenizer(), endTokens: [256]
      ).identity
    }
    let text = EvaluationTask(
      name: "animals", questions: .texts([TextItem(id: "0", text: "a cat and a dog")]))
    let names = [
      try name(choices, "accuracy", "a"), try name(choices, "answer_loss", "a"),
      try name(choices, "accuracy", "b"), try name(choices.limited(to: 5), "accuracy", "a"),
      try name(text, "loss_per_token", "a"),
    ]
    #expect(Set(names).count == names.count)
    #expect(try name(choices, "accuracy", "a") == names[0])
    let error = #expect(throws: SearchError.self) { try name(text, "perplexity", "a") }
    #expect(error?.description.contains("loss_per_token") == true)
    #expect(throws: SearchError.self) { try name(choices, "contains", "a") }
    #expect(throws: SearchError.self) { try name(choices.limited(to: 0), "accuracy", "a") }
  }
}
