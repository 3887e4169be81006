import Foundation
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetSearch
@testable import JetTraining

@Suite struct SuperNetworkTrainingTests {
  @Test func placementsAreDrawnByTheStateAlone() {
    let sampling = PathSampling(counts: 1...2, countShare: 1, windowProbability: 0.3)
    let (a, b) = (Generator(seed: 3), Generator(seed: 3))
    let drawn = (0..<200).map { _ in sampling.placement(layers: 6, a) }
    #expect(
      drawn.prefix(50).map(\.key) == (0..<50).map { _ in sampling.placement(layers: 6, b).key })
    let counts = drawn.map { $0.layers(.full).count }
    #expect(Set(counts) == [1, 2])
    #expect((70...130).contains(counts.count { $0 == 1 }))
    #expect(drawn.contains { !$0.layers(.window).isEmpty })
    // Every layer has its turn.
    #expect(Set(drawn.flatMap { $0.layers(.full) }) == Set(0..<6))
    let dense = PathSampling(probability: 0.9...1, countShare: 0)
    let full = (0..<100).map { _ in dense.placement(layers: 10, a).layers(.full).count }
    #expect(full.reduce(0, +) > 900)
  }

  @Test(
    arguments: [
      PathSampling(), PathSampling(probability: 0.2...0.4, counts: 1...3, countShare: 0.7),
      PathSampling(counts: 0...40, countShare: 1),
    ])
  func theShareOfFullLayersIsThatOfManyDraws(_ sampling: PathSampling) {
    let generator = Generator(seed: 11)
    let counts = (0..<2000).map { _ in
      sampling.placement(layers: 10, generator).layers(.full).count
    }
    let mean = Double(counts.reduce(0, +)) / Double(10 * counts.count)
    #expect(abs(mean - sampling.fullShare(layers: 10)) < 0.025, "\(mean)")
  }

  @Test func operationsOfPathsAreThoseOfThePlacementsThatAreDrawn() throws {
    let network = try TinyNetwork.make(dtype: .float32)
    let parameters = try network.trainedParameters(rules: SuperNetwork.rules(attention: true))
    func operations(_ sampling: PathSampling, recomputes: Bool) throws -> Double {
      let training = try SuperNetworkTraining(
        network, .paths(PathLoss(), sampling, seed: 1), parameters: parameters,
        recomputes: recomputes)
      return try #require(training.operations(sequences: 2, length: 16))
    }
    let dense = PathSampling(probability: 1...1, countShare: 0)
    let configuration = network.teacher.configuration
    let mixers = configuration.mixers.reduce(0) {
      $0 + 2 * configuration.mixerOperations($1, tokens: 16)
    }
    let mlps = Double(
      2 * 32 * network.layerCount * 3 * configuration.width * configuration.mlpWidth)
    let head = Double(2 * 32 * configuration.vocabularySize * configuration.width)
    // Teacher once; student forward, backward to inputs, and the mixers to weights.
    let wanted = (mixers + mlps + head) + 2 * (mixers + mlps) + mixers + 2 * head
    #expect(abs(try operations(dense, recomputes: false) - wanted) < 1e-6 * wanted)
    let again = try operations(dense, recomputes: true) - wanted
    #expect(abs(again - (mixers + mlps)) < 1e-6 * wanted)
  }

  @Test(arguments: [DType.float32, .bfloat16])
  func trainingMakesTheLossSmaller(_ type: DType) throws {
    let network = try TinyNetwork.make(dtype: type)
    let parameters = try network.trainedParameters(rules: SuperNetwork.rules(attention: true))
    let layers = try SuperNetworkTraining(network, .layers, parameters: parameters)
    let first = try train(layers, parameters, rate: 3e-3, steps: 30) {
      TinyNetwork.batch(seed: UInt64($0 % 8))
    }
    let (early, late) = (first.prefix(5).reduce(0, +), first.suffix(5).reduce(0, +))
    #expect(late < 0.8 * early)
    // The same placements and text before and after, as the drawn ones are of unequal difficulty.
    let paths = try PathTraining(
      network, PathLoss(), PathSampling(), 4, parameters, recomputes: true)
    func measured() throws -> Double {
      try ["LFLL", "LLLL", "LLLF"].reduce(0) { sum, key in
        let losses = try paths.accumulate(
          #require(Placement(key: key)), TinyNetwork.batch(seed: 5), scale: 1,
          into: GradientSums(count: parameters.leaves.count))
        return try sum + #require(losses["loss"]).item(as: Double.self)
      }
    }
    let before = try measured()
    _ = try train(paths, parameters, rate: 3e-3, steps: 80) {
      TinyNetwork.batch(seed: UInt64($0 % 8))
    }
    let after = try measured()
    #expect(after < 0.9 * before, "\(before) to \(after)")
  }

  @Test(arguments: ["FLLF", "LLLL", "FFFF", "LWFL"], [false, true])
  func pathsHaveTheGradientsOfTheWholeGraph(_ key: String, _ trainsAttention: Bool) throws {
    let network = try TinyNetwork.make()
    let parameters = try network.trainedParameters(
      rules: SuperNetwork.rules(attention: trainsAttention))
    // The teacher's attention differs from the path's, so that full layers have an error too.
    for parameter in network.parameters.parameters where parameter.name.contains("v_proj") {
      withoutGradients { parameter.tensor.detached().multiply(by: Tensor(scalar: Float(1.1))) }
    }
    let placement = try #require(Placement(key: key))
    let batch = TinyNetwork.batch(seed: 6)
    let loss = PathLoss(feature: 0.7, logits: LogitLoss(crossEntropy: 0.2, divergence: 1.3))
    var found: [[Tensor?]] = []
    var losses: [Double] = []
    for recomputes in [true, false] {
      let paths = try PathTraining(
        network, loss, PathSampling(), 1, parameters, recomputes: recomputes)
      let sums = GradientSums(count: parameters.leaves.count)
      let parts = try paths.accumulate(placement, batch, scale: 0.5, into: sums)
      losses.append(try #require(parts["loss"]).item(as: Double.self))
      found.append(sums.sums)
    }
    let direct = try directLoss(network, placement, batch, loss)
    // Full attention everywhere, with that frozen, depends on nothing that is trained.
    let wanted =
      direct.requiresGradient
      ? gradients(of: [direct * 0.5], by: parameters.leaves.map(\.computed))
      : parameters.leaves.map { _ in nil }
    for value in losses {
      #expect(abs(value - direct.item(as: Double.self)) < 1e-4 * direct.item(as: Double.self))
    }
    for own in found {
      for (index, leaf) in parameters.leaves.enumerated() {
        let given = own[index] ?? Tensor.zeros(leaf.computed.shape)
        let right = wanted[index] ?? Tensor.zeros(leaf.computed.shape)
        #expect(relativeError(given, right) < 2e-3, "\(leaf.names)")
      }
    }
  }

  /// The loss in one graph, by its definition.
  private func directLoss(
    _ network: SuperNetwork, _ placement: Placement, _ batch: PackedBatch, _ loss: PathLoss
  ) throws -> Tensor {
    let student = try network.model(placement)
    let (from, to) = (LayerWalk(network.teacher, batch.input), LayerWalk(student, batch.input))
    var (x, y, feature) = (from.embedded, to.embedded, Tensor.zeros([]))
    for layer in 0..<network.layerCount {
      let (wanted, given) = (from.mixed(x, layer: layer), to.mixed(y, layer: layer))
      let apart = given - wanted
      feature = feature + (apart * apart).mean() / (wanted * wanted).mean()
      x = from.completed(x, mixed: wanted, layer: layer)
      y = to.completed(y, mixed: given, layer: layer)
    }
    let theirs = network.teacher.logits(x).logSoftmax(dim: -1)
    let ours = student.logits(y).logSoftmax(dim: -1)
    let divergence = (exp(theirs) * (theirs - ours)).sum([-1]).mean()
    let entropy = -ours.gathered(batch.targets.unsqueezed(-1), dim: -1).mean()
    let logits = try #require(loss.logits)
    return feature * (loss.feature / Double(network.layerCount)) + divergence * logits.divergence
      + entropy * logits.crossEntropy
  }

  @Test func aRunGoesOnAsIfItHadNotStopped() throws {
    let folder = try TemporaryFolder()
    let shard = folder.url.appending(path: "tokens")
    let tokens = TinyNetwork.tokens(4000, seed: 8)
    let header = TokenShardHeader(
      vocabularySize: 257, endToken: 256, tokenCount: tokens.count, documentCount: 1,
      fingerprint: 1)
    try Data(header.bytes + tokens.flatMap { [UInt8($0), 0] }).write(to: shard)
    func run(_ name: String, until limits: [Int?]) throws -> String {
      var identity = ""
      for limit in limits {
        let network = try TinyNetwork.make()
        let configuration = TrainingConfiguration(
          steps: 8, stages: [LengthStage(length: 16, sequences: 2)],
          optimizer: AdamWConfiguration(learningRate: 1e-2),
          schedule: Schedule(warmupSteps: 2, decaySteps: 2),
          rules: SuperNetwork.rules(attention: true), reportInterval: 3, checkpointInterval: 2)
        let parameters = try network.trainedParameters(rules: configuration.rules)
        let objective = try SuperNetworkTraining(
          network, .paths(PathLoss(), PathSampling(counts: 0...4), seed: 5), parameters: parameters)
        let trainer = try Trainer(
          configuration, parameters: parameters, objective: objective,
          shards: [TokenShard(shard)], folder: RunFolder(folder.url.appending(path: name)))
        _ = try trainer.run(until: limit)
        identity = try network.identity()
      }
      return identity
    }
    let whole = try run("whole", until: [nil])
    let parts = try run("parts", until: [3, 5, nil])
    #expect(whole == parts)
  }

  @Test func whatCannotBeTrainedIsRefused() throws {
    let network = try TinyNetwork.make(window: nil)
    let parameters = try network.trainedParameters(rules: SuperNetwork.rules(attention: false))
    func refused(_ mode: SuperNetworkTraining.Mode) -> String {
      do {
        _ = try SuperNetworkTraining(network, mode, parameters: parameters)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      refused(.paths(PathLoss(), PathSampling(windowProbability: 0.5), seed: 0))
        .contains("no window"))
    #expect(
      refused(.paths(PathLoss(feature: 0, logits: nil), PathSampling(), seed: 0))
        .contains("no logits"))
    #expect(
      refused(.paths(PathLoss(), PathSampling(probability: 0...1.5), seed: 0))
        .contains("outside 0 to 1"))
    #expect(throws: TrainingError.self) {
      try network.trainedParameters(rules: ParameterRule.mixersOnly)
    }
  }
}
