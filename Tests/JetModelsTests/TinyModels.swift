import JetKernels
import JetTensor

@testable import JetModels

/// Small models of every kind, with random weights.
enum TinyModels {
  static func configuration(
    _ mixers: [MixerConfiguration], width: Int = 48, family: ModelConfiguration.Family = .llama,
    tied: Bool = true
  ) -> ModelConfiguration {
    ModelConfiguration(
      family: family, vocabularySize: 100, width: width, mlpWidth: 72, mixers: mixers,
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 512,
      tiesEmbeddings: tied, initializerDeviation: 0.15)
  }

  /// One layer of each kind of mixer, by name.
  static let mixers: [(name: String, mixer: MixerConfiguration)] = [
    ("attention", .attention(AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 12))),
    (
      "attention with biases and norms",
      .attention(
        AttentionConfiguration(
          heads: 3, keyValueHeads: 1, headWidth: 16, hasBias: true, normalizesQueriesAndKeys: true))
    ),
    (
      "window",
      .attention(
        AttentionConfiguration(heads: 4, keyValueHeads: 4, headWidth: 12, window: 5))
    ),
    ("jet", .jet(JetBlockConfiguration(heads: 2, keyWidth: 24, valueWidth: 40))),
    (
      "jet of five taps",
      .jet(JetBlockConfiguration(heads: 3, keyWidth: 16, valueWidth: 16, kernelSize: 5))
    ),
    (
      "gated_deltanet",
      .gatedDeltaNet(GatedDeltaNetConfiguration(heads: 2, keyWidth: 24, valueWidth: 40))
    ),
    (
      "jet with a static convolution",
      .jet(JetBlockConfiguration(heads: 2, keyWidth: 24, valueWidth: 40, kernels: .fixed))
    ),
    (
      "jet with static convolutions on queries, keys and values",
      .jet(
        JetBlockConfiguration(
          heads: 2, keyWidth: 24, valueWidth: 40, kernelSize: 3, kernels: .fixed,
          convolved: .queriesKeysAndValues))
    ),
    (
      "jet with dynamic convolutions on queries, keys and values",
      .jet(
        JetBlockConfiguration(
          heads: 2, keyWidth: 24, valueWidth: 40, generatorReduction: 4,
          convolved: .queriesKeysAndValues))
    ),
    ("deltanet", .deltaNet(DeltaNetConfiguration(heads: 2, keyWidth: 24, valueWidth: 40))),
    ("gla", .gla(GLAConfiguration(heads: 2, keyWidth: 24, valueWidth: 40, decayDivisor: 1))),
    ("retnet", .retNet(RetNetConfiguration(heads: 3, keyWidth: 24, valueWidth: 40))),
    ("mamba2", .mamba2(Mamba2Configuration(heads: 3, keyWidth: 24, valueWidth: 40))),
    (
      "mamba2 of two groups",
      .mamba2(Mamba2Configuration(heads: 4, keyWidth: 24, valueWidth: 16, groups: 2))
    ),
    ("rwkv7", .rwkv7(RWKV7Configuration(heads: 2, keyWidth: 24, valueWidth: 40, width: 48))),
  ]

  static func model(_ mixers: [MixerConfiguration], dtype: DType = .float32) throws -> HybridModel {
    try HybridModel(configuration(mixers), parameters: ParameterStore(source: nil, dtype: dtype))
  }
}
