import JetKernels
import JetModels
import JetTensor

/// Small teachers with random weights.
enum TinyModels {
  static let attention = MixerConfiguration.attention(
    AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 12))
  static let gatedDeltaNet = MixerConfiguration.gatedDeltaNet(
    GatedDeltaNetConfiguration(heads: 4, keyWidth: 12, valueWidth: 12))
  static let jet = MixerConfiguration.jet(
    JetBlockConfiguration(heads: 2, keyWidth: 12, valueWidth: 24))

  static func configuration(_ mixers: [MixerConfiguration]) -> ModelConfiguration {
    ModelConfiguration(
      family: .llama, vocabularySize: 100, width: 48, mlpWidth: 72, mixers: mixers, normEps: 1e-6,
      rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 512, tiesEmbeddings: true,
      initializerDeviation: 0.15)
  }

  static func model(
    _ mixers: [MixerConfiguration], dtype: DType = .float32, seed: UInt64 = 0
  ) throws -> HybridModel {
    try HybridModel(
      configuration(mixers), parameters: ParameterStore(source: nil, dtype: dtype, seed: seed))
  }
}
