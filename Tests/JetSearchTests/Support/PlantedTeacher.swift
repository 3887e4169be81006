import Foundation
import JetKernels
import JetModels
import JetTensor
import JetTraining

/// A teacher written by hand, of which it is known what each layer does.
///
/// | layer | does |
/// |---|---|
/// | 0 | writes the token 2 back as a prediction, of the symbols of the second alphabet |
/// | 1 | copies the token before into a slot of its own |
/// | 2 | writes the token 3 back as a prediction, of the symbols of the second alphabet |
/// | 4 | looks for the current token in those slots and predicts what follows there: induction |
/// | 3, 5 | nothing but noise |
///
/// Layers 1 and 4 do nothing without each other; layers 0 and 2 help a little, each for itself.
enum PlantedTeacher {
  static let first = 16
  static let second = 8
  static let vocabulary = first + second
  static let layers = 6
  static let pair = [1, 4]
  static let decoys = [0, 2]

  private static let (width, headWidth) = (80, 64)
  private static let code = 1
  private static let previous = 1 + vocabulary
  private static let prediction = 1 + 2 * vocabulary
  private static let theta = 1e6

  static func model() throws -> HybridModel {
    let attention = AttentionConfiguration(heads: 1, keyValueHeads: 1, headWidth: headWidth)
    let configuration = ModelConfiguration(
      family: .llama, vocabularySize: vocabulary, width: width, mlpWidth: 16,
      mixers: Array(repeating: .attention(attention), count: layers), normEps: 1e-6,
      rotary: RotaryConfiguration(theta: theta), maximumPositions: 128, tiesEmbeddings: false,
      initializerDeviation: 0.01)
    let model = try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: 7))
    let names = Dictionary(
      uniqueKeysWithValues: model.parameters.parameters.map { ($0.name, $0.tensor) })
    func add(_ name: String, _ entries: [(row: Int, column: Int, value: Double)]) {
      guard let tensor = names[name] else { fatalError("no parameter \(name)") }
      for entry in entries {
        let place = tensor.select(entry.row, dim: 0).select(entry.column, dim: 0)
        place.assign(place + entry.value)
      }
    }
    let symbols = 0..<vocabulary
    withoutGradients {
      add(
        "model.embed_tokens.weight",
        symbols.map { ($0, 0, 2) } + symbols.map { ($0, code + $0, 1) })
      add("lm_head.weight", symbols.map { ($0, prediction + $0, 3) })
      for (layer, distance, kept, slot, gain) in [
        (1, 1, 0..<first, previous, 0.28), (0, 2, first..<vocabulary, prediction, 0.12),
        (2, 3, first..<vocabulary, prediction, 0.12),
      ] {
        let path = "model.layers.\(layer).self_attn."
        let offset = lookback(distance)
        add(path + "q_proj.weight", offset.indices.map { ($0, 0, 2) })
        add(path + "k_proj.weight", offset.indices.map { ($0, 0, 2 * cos(offset[$0])) })
        add(
          path + "k_proj.weight",
          offset.indices.map { ($0 + headWidth / 2, 0, 2 * sin(offset[$0])) })
        add(path + "v_proj.weight", kept.map { (headWidth - 1 - $0, code + $0, 1) })
        add(path + "o_proj.weight", kept.map { (slot + $0, headWidth - 1 - $0, gain) })
      }
      // By the pairs that hardly turn over some dozens of tokens.
      let path = "model.layers.4.self_attn."
      add(path + "q_proj.weight", (0..<first).map { (16 + $0, code + $0, 4) })
      add(path + "k_proj.weight", (0..<first).map { (16 + $0, previous + $0, 4) })
      add(path + "v_proj.weight", (0..<first).map { (headWidth - 1 - $0, code + $0, 1) })
      add(path + "o_proj.weight", (0..<first).map { (prediction + $0, headWidth - 1 - $0, 0.3) })
    }
    return model
  }

  /// By how much the eight fastest pairs turn over a distance: keys turned so match at it.
  private static func lookback(_ distance: Int) -> [Double] {
    (0..<8).map { Double(distance) * pow(theta, -Double($0) / Double(headWidth / 2)) }
  }

  /// A text: an order of the first alphabet again and again, or any symbols of the second.
  static func text(_ isInduction: Bool, length: Int, _ generator: inout SplitMix64) -> [Int] {
    if isInduction {
      let order = generator.order(of: first)
      return (0..<length).map { order[$0 % first] }
    }
    return (0..<length).map { _ in first + Int(generator.next() % UInt64(second)) }
  }

  /// Texts, two of three of which need induction.
  static func texts(_ count: Int, length: Int = 2 * first, seed: UInt64) -> [[Int]] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { text($0 % 3 != 2, length: length, &generator) }
  }
}
