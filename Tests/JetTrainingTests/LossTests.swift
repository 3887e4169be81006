import Foundation
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("Losses")
struct LossTests {
  private func pair() throws -> (teacher: HybridModel, student: HybridModel) {
    let teacher = try TinyModels.model([TinyModels.attention, TinyModels.attention], seed: 1)
    let mixers = [TinyModels.gatedDeltaNet, TinyModels.attention]
    return (teacher, try Conversion.student(of: teacher, mixers: mixers, seed: 2))
  }

  @Test("the loss of logits in chunks is that of all at once", arguments: [1, 7, 38, 512])
  func chunks(rows: Int) throws {
    let (teacher, student) = try pair()
    let batch = randomBatch(2, 19, seed: 3)
    let (theirs, ours) = withoutGradients { (teacher(batch.input), student(batch.input)) }
    for leaf in student.parameters.leaves { leaf.requiringGradient() }
    let others = [student.norm.weight, student.head]
    let loss = LogitLoss(crossEntropy: 0.3, divergence: 0.7, temperature: 1.5, chunkRows: rows)
    let found = loss(
      ours, of: student, targets: batch.targets, teacher: (teacher, theirs), scale: 2, by: others)

    let hidden = ours.clone().requiringGradient()
    let logits = student.logits(hidden)
    let right = logits.logSoftmax(dim: -1).slice(0..<18, dim: 1)
      .gathered(batch.tokens.slice(1..<19, dim: 1).unsqueezed(-1), dim: -1)
    let entropy = -right.mean([0, 1, 2])
    let p = (withoutGradients { teacher.logits(theirs) } / 1.5).softmax(dim: -1)
    let q = (logits / 1.5).softmax(dim: -1)
    let divergence = (p * (log(p) - log(q))).sum([2]).mean([0, 1]) * 2.25
    let whole = entropy * 0.3 + divergence * 0.7
    let gradients = gradients(of: [whole * 2], by: [hidden] + others)

    #expect(relativeError(try #require(found.losses["loss"]), whole.detached()) < 1e-5)
    #expect(relativeError(try #require(found.losses["crossEntropy"]), entropy.detached()) < 1e-5)
    #expect(
      relativeError(try #require(found.losses["divergence"]), divergence.detached()) < 1e-4)
    #expect(relativeError(found.hidden, try #require(gradients[0])) < 1e-4)
    for (a, b) in zip(found.others, gradients.dropFirst()) {
      #expect(relativeError(try #require(a), try #require(b)) < 1e-4)
    }
  }

  @Test("the divergence of the likeliest tokens is the formula's, and the whole one's at their end")
  func topDivergence() throws {
    let (teacher, student) = try pair()
    let batch = randomBatch(2, 19, seed: 3)
    let (theirs, ours) = withoutGradients { (teacher(batch.input), student(batch.input)) }
    for leaf in student.parameters.leaves { leaf.requiringGradient() }
    func result(_ topK: Int?) -> (value: Double, gradient: Tensor) {
      let loss = LogitLoss(
        crossEntropy: 0, divergence: 1, temperature: 1.5, topK: topK, chunkRows: 8)
      let found = loss(ours, of: student, targets: batch.targets, teacher: (teacher, theirs))
      return ((found.losses["loss"] ?? Tensor.zeros([])).item(as: Double.self), found.hidden)
    }
    let whole = result(nil)
    for all in [100, 101, 5000] {
      #expect(result(all).value == whole.value)
      #expect(relativeError(result(all).gradient, whole.gradient) == 0)
    }
    // One token in the rest is told apart as well as all.
    #expect(abs(result(99).value - whole.value) < 1e-6 * whole.value)
    #expect(relativeError(result(99).gradient, whole.gradient) < 1e-4)

    let p = withoutGradients { (teacher.logits(theirs) / 1.5).softmax(dim: -1) }
      .array(of: Float.self)
    let q = withoutGradients { (student.logits(ours) / 1.5).softmax(dim: -1) }
      .array(of: Float.self)
    var last = 0.0
    for count in [1, 5, 40] {
      var wanted = 0.0
      for row in 0..<38 {
        let indices = (row * 100..<row * 100 + 100).sorted { p[$0] > p[$1] }
        func terms(_ a: Double, _ b: Double) -> Double { a * (Foundation.log(a / b)) }
        func sum(_ x: [Float], _ part: ArraySlice<Int>) -> Double {
          part.reduce(0) { $0 + Double(x[$1]) }
        }
        wanted += indices[..<count].reduce(0) { $0 + terms(Double(p[$1]), Double(q[$1])) }
        wanted += terms(sum(p, indices[count...]), sum(q, indices[count...]))
      }
      let found = result(count).value
      #expect(abs(found - wanted / 38 * 2.25) < 1e-4 * whole.value, "\(count)")
      #expect(found > last && found < whole.value, "\(count)")
      last = found
    }
    #expect(throws: TrainingError.self) {
      try LogitLoss(crossEntropy: 0, divergence: 1, topK: 0).validate()
    }
  }

  @Test("recomputed layers give the gradients of a graph that was kept", arguments: [true, false])
  func recomputation(tied: Bool) throws {
    var configuration = TinyModels.configuration([TinyModels.gatedDeltaNet, TinyModels.attention])
    configuration.tiesEmbeddings = tied
    let student = try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: 4))
    let rules = [
      ParameterRule.everything,
      ParameterRule.mixersOnly,
      [ParameterRule("model.layers.1.mlp.*", trains: true)],
      [ParameterRule("model.norm.weight", trains: true)],
    ]
    for rule in rules {
      let parameters = try TrainedParameters(of: student, rules: rule)
      let batch = randomBatch(2, 21, seed: 5)
      let sums = try [true, false].map { recomputes in
        let objective = try ModelTraining(
          student: student, loss: LogitLoss(crossEntropy: 1, divergence: 0), parameters: parameters,
          recomputes: recomputes)
        let sums = GradientSums(count: parameters.leaves.count)
        _ = try objective.accumulate(batch, scale: 0.5, into: sums)
        return sums.sums
      }
      let direct = student.logits(student(batch.input)).logSoftmax(dim: -1).slice(0..<20, dim: 1)
        .gathered(batch.tokens.slice(1..<21, dim: 1).unsqueezed(-1), dim: -1).mean([0, 1, 2])
      let wanted = gradients(of: [direct * -0.5], by: parameters.leaves.map(\.computed))
      for index in parameters.leaves.indices {
        let reference = try #require(wanted[index])
        for found in sums {
          #expect(
            relativeError(try #require(found[index]), reference) < 1e-4,
            "\(parameters.leaves[index].names)")
        }
      }
    }
  }

  @Test("the error of a mixer is that of its layer alone, and no gradient reaches an MLP")
  func layers() throws {
    let (teacher, student) = try pair()
    let parameters = try TrainedParameters(of: student, rules: ParameterRule.mixersOnly)
    let objective = try LayerDistillation(
      teacher: teacher, student: student, parameters: parameters)
    let batch = randomBatch(2, 20, seed: 6)
    let sums = GradientSums(count: parameters.leaves.count)
    let losses = try objective.accumulate(batch, scale: 1, into: sums)
    // Layer 1 is the teacher's own attention.
    #expect(try #require(losses["layer.1"]).item(as: Double.self) < 1e-10)
    let first = try #require(losses["layer.0"])
    #expect(first.item(as: Double.self) > 0.01)
    #expect(relativeError(try #require(losses["loss"]), first / 2) < 1e-6)

    let x = student.embedding.embedded(batch.tokens)
    let wanted = withoutGradients { LayerWalk(teacher, batch.input).mixed(x, layer: 0) }
    let difference = LayerWalk(student, batch.input).mixed(x, layer: 0) - wanted
    let error = (difference * difference).sum() / (wanted * wanted).sum()
    let indices = parameters.indices(layer: 0)
    let reference = gradients(of: [error * 0.5], by: parameters.computed(indices))
    for (index, reference) in zip(indices, reference) {
      #expect(
        relativeError(try #require(sums.sums[index]), try #require(reference)) < 1e-4,
        "\(parameters.leaves[index].names)")
    }

    // With the norms trained too; MLPs cannot be.
    let wider = try TrainedParameters(
      of: student, rules: ParameterRule.mixersOnly + [ParameterRule("*.mlp.*", trains: true)])
    let refusal = sentence {
      _ = try LayerDistillation(teacher: teacher, student: student, parameters: wider)
    }
    #expect(refusal?.contains(".mlp.") == true)
    for (leaf, names) in zip(student.parameters.leaves, student.parameters.leafNames)
    where names[0].contains(".mlp.") {
      leaf.requiringGradient()
      let found = gradients(
        of: [(LayerWalk(student, batch.input).mixed(x, layer: 0)).sum()], by: [leaf])
      #expect(found[0] == nil)
    }
  }

  @Test("a weighted sum adds losses and gradients")
  func weightedSum() throws {
    let (teacher, student) = try pair()
    let parameters = try TrainedParameters(of: student, rules: ParameterRule.mixersOnly)
    let layers = try LayerDistillation(teacher: teacher, student: student, parameters: parameters)
    let logits = try ModelTraining(
      student: student, teacher: teacher, loss: LogitLoss(crossEntropy: 0, divergence: 1),
      parameters: parameters)
    let batch = randomBatch(1, 12, seed: 7)
    func run(_ objective: any Objective, _ scale: Double) throws -> ([String: Tensor], [Tensor?]) {
      let sums = GradientSums(count: parameters.leaves.count)
      return (try objective.accumulate(batch, scale: scale, into: sums), sums.sums)
    }
    let (sum, both) = try run(
      WeightedSum([("layers", 0.25, layers), ("logits", 2, logits)]), 1)
    let (a, first) = try run(layers, 0.25)
    let (b, second) = try run(logits, 2)
    let expected = try #require(a["loss"]) * 0.25 + (try #require(b["loss"])) * 2
    #expect(relativeError(try #require(sum["loss"]), expected) < 1e-6)
    #expect(sum["layers.layer.0"] != nil && sum["logits.divergence"] != nil)
    for index in parameters.leaves.indices {
      let added = try #require(first[index]) + (try #require(second[index]))
      #expect(relativeError(try #require(both[index]), added) < 1e-5)
    }
  }
}
