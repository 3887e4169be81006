import JetKernels
import JetModels
import JetTensor

/// Models of a few thousand numbers, one or two for each family.
enum TinyModels {
  static let llama = model(.llama)
  static let all: [String: ModelConfiguration] = [
    "llama": llama, "llama, tied": model(.llama, isTied: true), "qwen2": model(.qwen2),
    "qwen2, tied": model(.qwen2, isTied: true), "qwen3": model(.qwen3, isTied: true),
    "qwen3, untied": model(.qwen3), "jet_nemotron": jet(isTied: false),
    "jet_nemotron, tied": jet(isTied: true),
    "gated_deltanet": deltaNet, "linear mixers of all kinds": allKinds,
    "jet of other forms": otherJet,
  ]

  static func model(
    _ family: ModelConfiguration.Family, isTied: Bool = false,
    rotary: RotaryConfiguration = RotaryConfiguration(theta: 5e5)
  ) -> ModelConfiguration {
    let attention = AttentionConfiguration(
      heads: 4, keyValueHeads: 2, headWidth: 8, hasBias: family == .qwen2,
      normalizesQueriesAndKeys: family == .qwen3)
    return ModelConfiguration(
      family: family, vocabularySize: 40, width: 24, mlpWidth: 48,
      mixers: [.attention(attention), .attention(attention)], normEps: 1e-5, rotary: rotary,
      maximumPositions: 256, tiesEmbeddings: isTied, initializerDeviation: 0.05, beginToken: 1,
      endTokens: [2, 3])
  }

  static func jet(isTied: Bool) -> ModelConfiguration {
    var attention = AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 6, hasBias: true)
    // 12 · 2.6666666667 is the quotient of the released model of 2B parameters.
    let block = JetBlockConfiguration(heads: 2, keyWidth: 12, valueWidth: 32, normEps: 2e-5)
    var mixers: [MixerConfiguration] = [.jet(block), .attention(attention)]
    attention.window = 7
    mixers += [.attention(attention), .jet(block)]
    return ModelConfiguration(
      family: .jetNemotron, vocabularySize: 40, width: 24, mlpWidth: 48, mixers: mixers,
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e6), maximumPositions: 512,
      tiesEmbeddings: isTied, beginToken: 0, endTokens: [1])
  }

  static var deltaNet: ModelConfiguration {
    var model = jet(isTied: true)
    model.mixers[3] = .gatedDeltaNet(
      GatedDeltaNetConfiguration(heads: 2, keyWidth: 8, valueWidth: 12, kernelSize: 3))
    return model
  }

  static var allKinds: ModelConfiguration {
    var model = jet(isTied: true)
    model.mixers += [
      .deltaNet(DeltaNetConfiguration(heads: 2, keyWidth: 8, valueWidth: 12, kernelSize: 3)),
      .gla(GLAConfiguration(heads: 2, keyWidth: 8, valueWidth: 12, decayRank: 3, decayDivisor: 2)),
      .retNet(RetNetConfiguration(heads: 2, keyWidth: 8, valueWidth: 12, rotaryTheta: 500)),
      .mamba2(Mamba2Configuration(heads: 4, keyWidth: 8, valueWidth: 12, groups: 2, kernelSize: 2)),
      .rwkv7(
        RWKV7Configuration(
          heads: 2, keyWidth: 8, valueWidth: 12, width: 24, decayRank: 3, rateRank: 5, gateRank: 7)),
    ]
    return model
  }

  static var otherJet: ModelConfiguration {
    var model = jet(isTied: true)
    let block = JetBlockConfiguration(
      heads: 2, keyWidth: 12, valueWidth: 32, generatorReduction: 4, kernels: .fixed,
      convolved: .queriesKeysAndValues)
    model.mixers[0] = .jet(block)
    model.mixers[3] = .jet(block)
    return model
  }

  /// A model in which no two numbers are likely to be equal, so that a swap shows.
  static func random(_ configuration: ModelConfiguration, dtype: DType) throws -> HybridModel {
    let store = ParameterStore(source: nil, dtype: dtype)
    let model = try HybridModel(configuration, parameters: store)
    let generator = Generator(seed: 7)
    for parameter in store.parameters {
      parameter.tensor.assign(Tensor.randomNormal(parameter.tensor.shape, generator: generator))
    }
    return model
  }
}

extension HybridModel {
  /// The bytes of each parameter.
  var parameterBytes: [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for parameter in parameters.parameters {
      result[parameter.name] = parameter.tensor.contiguous().withBytes { Array($0) }
    }
    return result
  }
}
