import Foundation
import JetCheckpoint
import JetEvaluation
import JetModels
import JetTensor
import JetTestSupport
import JetTraining
import Testing

@testable import JetSearch

@Suite struct SuperNetworkTests {
  private func logits(_ model: HybridModel, _ tokens: [Int]) -> Tensor {
    withoutGradients { model.logits(model(TokenBatch([tokens]))) }
  }

  @Test func aPlacementGivesTheLogitsOfAConvertedModel() throws {
    let network = try TinyNetwork.make(window: nil)
    let placement = try #require(Placement(key: "FLLF"))
    let mixers = try placement.choices.enumerated().map { try network.mixer($1, layer: $0) }
    let converted = try Conversion.student(of: network.teacher, mixers: mixers, seed: 2)
    let plain = try SuperNetwork(
      teacher: network.teacher, linear: TinyNetwork.linear, seed: 2
    ).model(placement)
    // What does not come from the teacher is drawn in the order of the layers, so it is given here.
    let own = Dictionary(
      uniqueKeysWithValues: plain.parameters.parameters.map { ($0.name, $0.tensor) })
    for parameter in converted.parameters.parameters {
      if parameter.name.hasSuffix("q_proj.weight") {
        #expect(relativeError(parameter.tensor, try #require(own[parameter.name])) == 0)
      }
      parameter.tensor.assign(try #require(own[parameter.name]))
    }
    #expect(
      plain.parameters.parameters.map(\.name) == converted.parameters.parameters.map(\.name))
    #expect(plain.configuration == converted.configuration)
    let tokens = TinyNetwork.tokens(30, seed: 3)
    #expect(relativeError(logits(plain, tokens), logits(converted, tokens)) == 0)
    #expect(
      relativeError(
        logits(try network.model(Placement(repeating: .full, count: 4)), tokens),
        logits(network.teacher, tokens)) == 0)
  }

  @Test func modelsShareTheirTensors() throws {
    let network = try TinyNetwork.make()
    let models = try (0..<3).map { _ in try network.model(try #require(Placement(key: "FLWL"))) }
    func addresses(_ store: ParameterStore) -> [UnsafeRawPointer?] {
      store.parameters.map { $0.tensor.contiguous().withBytes { $0.baseAddress } }
    }
    let known = Set(addresses(network.parameters) + addresses(network.teacher.parameters))
    #expect(models.allSatisfy { known.isSuperset(of: addresses($0.parameters)) })
    let tokens = TinyNetwork.tokens(20, seed: 4)
    let old = logits(models[0], tokens)
    let name = "linear.model.layers.1.self_attn.o_proj.weight"
    let weight = try #require(network.parameters.parameters.first { $0.name == name }).tensor
    weight.fill(0)
    #expect(relativeError(logits(models[2], tokens), old) > 1e-3)
    // The attention path is a copy: training it leaves the teacher as it is.
    let teacher = logits(network.teacher, tokens)
    for leaf in network.attentionPath.parameters.parameters
    where leaf.name.contains("self_attn.v_proj") {
      leaf.tensor.fill(0)
    }
    #expect(relativeError(logits(network.teacher, tokens), teacher) == 0)
  }

  @Test func aWindowIsTheSameAttentionThatSeesLess() throws {
    let network = try TinyNetwork.make(window: 8)
    let tokens = TinyNetwork.tokens(20, seed: 5)
    let full = logits(network.teacher, tokens)
    let windowed = logits(
      try network.model(Placement(repeating: .window, count: 4)), tokens)
    let (start, end) = (0..<8, 8..<20)
    #expect(relativeError(windowed.slice(start, dim: 1), full.slice(start, dim: 1)) < 1e-5)
    #expect(relativeError(windowed.slice(end, dim: 1), full.slice(end, dim: 1)) > 1e-3)
    // Token by token it remembers just the window.
    let model = try network.model(Placement(repeating: .window, count: 4))
    var state = model.makeState()
    let steps = withoutGradients {
      tokens.map { model.logits(model(TokenBatch([[$0]]), state: &state)) }
    }
    #expect(relativeError(Tensor.concatenate(steps, dim: 1), windowed) < 1e-4)
  }

  @Test func aPlacementIsSavedAsACheckpoint() throws {
    let folder = try TemporaryFolder()
    let network = try TinyNetwork.make(window: nil)
    let model = try network.model(try #require(Placement(key: "LFLL")))
    try model.save(to: folder.url)
    let tokens = TinyNetwork.tokens(16, seed: 6)
    let read = try Checkpoint(folder.path).model()
    #expect(relativeError(logits(read, tokens), logits(model, tokens)) < 1e-6)
  }

  @Test(arguments: [DType.float32, .bfloat16])
  func trainedWeightsAreSavedAndLoaded(_ type: DType) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "network.safetensors")
    let network = try TinyNetwork.make(dtype: type)
    let parameters = try network.trainedParameters(rules: SuperNetwork.rules(attention: true))
    let training = try SuperNetworkTraining(
      network, .paths(PathLoss(), PathSampling(), seed: 1), parameters: parameters)
    let fresh = try network.identity()
    _ = try train(training, parameters, rate: 1e-2, steps: 3) {
      TinyNetwork.batch(seed: UInt64($0))
    }
    try network.save(to: url)
    let other = try TinyNetwork.make(dtype: type)
    #expect(try other.identity() == fresh)
    #expect(try network.identity() != fresh)
    try other.load(from: url)
    #expect(try other.identity() == network.identity())
  }

  @Test func weightsOfAnotherNetworkAreRefused() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "network.safetensors")
    try TinyNetwork.make().save(to: url)
    let mixer = MixerConfiguration.retNet(RetNetConfiguration(heads: 4, keyWidth: 8, valueWidth: 8))
    let other = try SuperNetwork(teacher: TinyNetwork.teacher(), linear: mixer)
    let message = #expect(throws: SearchError.self) { try other.load(from: url) }
    #expect(message?.description.contains("other linear mixers than retnet") == true)
    let half = try TinyNetwork.make(dtype: .bfloat16)
    let type = #expect(throws: SearchError.self) { try half.load(from: url) }
    #expect(type?.description.contains("expected bfloat16") == true)
  }

  @Test func impossibleNetworksAreRefusedInASentence() throws {
    let teacher = try TinyNetwork.teacher()
    let hybrid = try TinyNetwork.make().model(try #require(Placement(key: "FFLF")))
    #expect(throws: SearchError.self) {
      try SuperNetwork(teacher: hybrid, linear: TinyNetwork.linear)
    }
    #expect(throws: SearchError.self) {
      try SuperNetwork(teacher: teacher, linear: .attention(TinyNetwork.attention))
    }
    let network = try SuperNetwork(teacher: teacher, linear: TinyNetwork.linear)
    #expect(throws: SearchError.self) { try network.model(try #require(Placement(key: "FFWF"))) }
    #expect(throws: SearchError.self) { try network.model(try #require(Placement(key: "FF"))) }
  }
}
