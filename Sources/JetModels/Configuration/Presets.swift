import JetKernels

extension ModelConfiguration {
  /// The shapes that can be run with random weights, by name.
  public static let presets: [String: ModelConfiguration] = [
    "jet-nemotron-2b": .jetNemotron2B, "jet-nemotron-4b": .jetNemotron4B,
    "qwen2.5-1.5b": .qwen25(layers: 28, width: 1536, mlpWidth: 8960, heads: 12),
    "qwen3-1.7b": .qwen3For17B, "smollm2-135m": .smolLM2For135M,
  ]

  /// Jet-Nemotron-2B, arXiv 2508.15884, tables 9 to 11 and the released configuration.
  public static let jetNemotron2B = jetNemotron(
    layers: 28, width: 1536, mlpWidth: 8960, heads: 12, full: [14, 19], window: 1152,
    windowed: [20, 21], jet: JetBlockConfiguration(heads: 12, keyWidth: 96, valueWidth: 256),
    maximumPositions: 131_072)

  /// Jet-Nemotron-4B, arXiv 2508.15884, section 3.1 and the released configuration.
  public static let jetNemotron4B = jetNemotron(
    layers: 36, width: 2048, mlpWidth: 11008, heads: 16, full: [17, 20, 32], window: 2048,
    windowed: [5, 16, 19, 21, 22, 25, 27],
    jet: JetBlockConfiguration(heads: 16, keyWidth: 128, valueWidth: 256),
    maximumPositions: 32_768)

  private static let qwen3For17B = ModelConfiguration(
    family: .qwen3, vocabularySize: 151_936, width: 2048, mlpWidth: 6144,
    mixers: Array(
      repeating: .attention(
        AttentionConfiguration(
          heads: 16, keyValueHeads: 8, headWidth: 128, normalizesQueriesAndKeys: true)),
      count: 28),
    normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e6), maximumPositions: 40_960,
    tiesEmbeddings: true)

  private static let smolLM2For135M = ModelConfiguration(
    family: .llama, vocabularySize: 49_152, width: 576, mlpWidth: 1536,
    mixers: Array(
      repeating: .attention(AttentionConfiguration(heads: 9, keyValueHeads: 3, headWidth: 64)),
      count: 30),
    normEps: 1e-5, rotary: RotaryConfiguration(theta: 1e5), maximumPositions: 8192,
    tiesEmbeddings: true)

  private static func qwen25(
    layers: Int, width: Int, mlpWidth: Int, heads: Int
  ) -> ModelConfiguration {
    ModelConfiguration(
      family: .qwen2, vocabularySize: 151_936, width: width, mlpWidth: mlpWidth,
      mixers: Array(
        repeating: .attention(
          AttentionConfiguration(heads: heads, keyValueHeads: 2, headWidth: 128, hasBias: true)),
        count: layers),
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e6), maximumPositions: 131_072,
      tiesEmbeddings: true)
  }

  private static func jetNemotron(
    layers: Int, width: Int, mlpWidth: Int, heads: Int, full: Set<Int>, window: Int,
    windowed: Set<Int>, jet: JetBlockConfiguration, maximumPositions: Int
  ) -> ModelConfiguration {
    var attention = AttentionConfiguration(
      heads: heads, keyValueHeads: 2, headWidth: 128, hasBias: true)
    let mixers = (0..<layers).map { layer -> MixerConfiguration in
      guard full.contains(layer) || windowed.contains(layer) else { return .jet(jet) }
      attention.window = windowed.contains(layer) ? window : nil
      return .attention(attention)
    }
    return ModelConfiguration(
      family: .jetNemotron, vocabularySize: 151_936, width: width, mlpWidth: mlpWidth,
      mixers: mixers, normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e6),
      maximumPositions: maximumPositions, tiesEmbeddings: true)
  }
}
