import JetKernels
import JetModels
import JetTensor

/// A model of random weights with each kind of mixer.
enum TinyModel {
  static let configuration = ModelConfiguration(
    family: .jetNemotron, vocabularySize: 50, width: 32, mlpWidth: 48,
    mixers: [
      .jet(JetBlockConfiguration(heads: 2, keyWidth: 8, valueWidth: 16)),
      .attention(AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 8, hasBias: true)),
      .attention(AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 8, window: 6)),
    ],
    normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 64,
    tiesEmbeddings: true, initializerDeviation: 0.2)

  static func model() throws -> HybridModel {
    try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: 3))
  }

  /// Tokens without a pattern.
  static func tokens(_ count: Int) -> [Int] {
    (0..<count).map { ($0 * $0 * 7 + $0 * 11 + 3) % configuration.vocabularySize }
  }
}
