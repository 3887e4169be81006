import Foundation
import JetKernels
import JetModels
import JetTensor
import JetText
import JetTraining

@testable import JetSearch

/// Small teachers over bytes, and super networks of them.
enum TinyNetwork {
  static let attention = AttentionConfiguration(
    heads: 4, keyValueHeads: 2, headWidth: 8, hasBias: true)
  static let linear = MixerConfiguration.gatedDeltaNet(
    GatedDeltaNetConfiguration(heads: 4, keyWidth: 8, valueWidth: 8))
  static let layers = 4

  static func teacher(dtype: DType = .float32, seed: UInt64 = 1) throws -> HybridModel {
    let configuration = ModelConfiguration(
      family: .jetNemotron, vocabularySize: 257, width: 32, mlpWidth: 48,
      mixers: Array(repeating: .attention(attention), count: layers), normEps: 1e-6,
      rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 256, tiesEmbeddings: true,
      initializerDeviation: 0.2)
    return try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: dtype, seed: seed))
  }

  static func make(
    window: Int? = 8, dtype: DType? = nil, seed: UInt64 = 2
  ) throws -> SuperNetwork {
    try SuperNetwork(
      teacher: teacher(), linear: linear, window: window, dtype: dtype, seed: seed,
      calibration: batch(seed: 9))
  }

  /// Tokens each of which mostly follows from the one before.
  static func tokens(_ count: Int, seed: UInt64) -> [Int] {
    var generator = SplitMix64(seed: seed)
    var token = Int(generator.next() % 97)
    return (0..<count).map { _ in
      token = generator.next() % 8 == 0 ? Int(generator.next() % 97) : (token * 7 + 3) % 97
      return token
    }
  }

  static func batch(_ sequences: Int = 2, _ length: Int = 24, seed: UInt64) -> PackedBatch {
    PackedBatch((0..<sequences).map { packed(tokens(length + 1, seed: seed * 100 + UInt64($0))) })
  }

  /// A sequence whose targets are the tokens after each one.
  static func packed(_ tokens: [Int]) -> TokenSequence {
    TokenSequence(
      inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()), starts: [0])
  }

  /// The 256 bytes as tokens, and 256 to end a text.
  static func tokenizer() throws -> Tokenizer {
    var vocabulary: [String: Int] = [:]
    var others = 0
    for byte in 0..<256 {
      let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      let code = isPrintable ? byte : 0x100 + others
      if !isPrintable { others += 1 }
      vocabulary[String(Character(Unicode.Scalar(UInt16(code)) ?? " "))] = byte
    }
    vocabulary["<end>"] = 256
    return try Tokenizer(
      vocabulary: vocabulary, merges: [], preTokenizer: .gpt2,
      addedTokens: [Tokenizer.AddedToken("<end>", id: 256)], endOfTextIDs: [256])
  }
}

/// Steps of an optimizer without a run: gives the loss of each.
func train(
  _ objective: any Objective, _ parameters: TrainedParameters, rate: Double, steps: Int,
  _ batch: (Int) -> PackedBatch
) throws -> [Double] {
  let optimizer = AdamW(parameters, AdamWConfiguration(learningRate: rate))
  return try (0..<steps).map { step in
    let sums = GradientSums(count: parameters.leaves.count)
    let losses = try objective.accumulate(batch(step), scale: 1, into: sums)
    _ = optimizer.step(sums, rateFraction: 1)
    return losses["loss"]?.item(as: Double.self) ?? .nan
  }
}
