import JetInference
import JetKernels
import JetModels
import JetTensor

/// A small hybrid of random weights, each of its layers of another kind and of widths that our GPU kernels take.
enum EngineModel {
  /// The window of the last layer, in tokens.
  static let window = 40

  static let configuration = configuration(mixers: [
    .jet(JetBlockConfiguration(heads: 4, keyWidth: 96, valueWidth: 128)),
    .attention(AttentionConfiguration(heads: 6, keyValueHeads: 2, headWidth: 64, hasBias: true)),
    // Its merged projection has a number of rows that is no multiple of 8.
    .jet(JetBlockConfiguration(heads: 3, keyWidth: 64, valueWidth: 64)),
    .attention(
      AttentionConfiguration(
        heads: 4, keyValueHeads: 1, headWidth: 128, normalizesQueriesAndKeys: true,
        window: window)),
  ])

  /// The same with a layer of each other linear mixer.
  static let linearConfiguration = configuration(mixers: [
    .gatedDeltaNet(GatedDeltaNetConfiguration(heads: 4, keyWidth: 64, valueWidth: 96)),
    .mamba2(Mamba2Configuration(heads: 8, keyWidth: 64, valueWidth: 48, groups: 2)),
    .retNet(RetNetConfiguration(heads: 3, keyWidth: 64, valueWidth: 128)),
    .deltaNet(DeltaNetConfiguration(heads: 3, keyWidth: 96, valueWidth: 64)),
    .gla(GLAConfiguration(heads: 4, keyWidth: 32, valueWidth: 64)),
    .rwkv7(RWKV7Configuration(heads: 4, keyWidth: 64, valueWidth: 64, width: 256)),
    .jet(JetBlockConfiguration(heads: 3, keyWidth: 64, valueWidth: 64, kernels: .fixed)),
  ])

  private static func configuration(mixers: [MixerConfiguration]) -> ModelConfiguration {
    ModelConfiguration(
      family: .jetNemotron, vocabularySize: 1000, width: 256, mlpWidth: 384, mixers: mixers,
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 512,
      tiesEmbeddings: false, initializerDeviation: 0.1)
  }

  /// The same weights, but for their rounding, on every device and in every type.
  static func model(
    _ dtype: DType, on device: Device, _ configuration: ModelConfiguration = configuration
  ) throws -> HybridModel {
    let store = ParameterStore(source: nil, dtype: dtype, device: device, seed: 3)
    let model = try HybridModel(configuration, parameters: store)
    fillConstants(of: store)
    return model
  }

  /// Tokens without a pattern.
  static func tokens(_ count: Int, _ random: inout RandomNumbers) -> [Int] {
    (0..<count).map { _ in Int.random(in: 0..<configuration.vocabularySize, using: &random) }
  }
}

/// Random numbers instead of the ones and zeros with which norms, biases and generators of kernels begin.
func fillConstants(of store: ParameterStore) {
  withoutGradients {
    let generator = Generator(seed: 5)
    for parameter in store.parameters {
      let (mean, deviation): (Double, Double)
      if parameter.name.hasSuffix("norm.weight") {
        (mean, deviation) = (1, 0.2)
      } else if parameter.name.hasSuffix("kernel_generator.w2.weight") {
        (mean, deviation) = (0, 0.05)
      } else if parameter.name.hasSuffix("_proj.bias") {
        (mean, deviation) = (0, 0.1)
      } else {
        continue
      }
      let numbers = Tensor.randomNormal(parameter.tensor.shape, generator: generator)
      parameter.tensor.assign(numbers * deviation + mean)
    }
  }
}
