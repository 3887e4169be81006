import JetKernels
import JetModels
import JetTensor
import JetText

/// A model of random weights with each kind of mixer, over bytes.
enum TinyModel {
  static let begin = 256
  static let end = 257

  static let configuration = ModelConfiguration(
    family: .jetNemotron, vocabularySize: 258, width: 32, mlpWidth: 48,
    mixers: [
      .jet(JetBlockConfiguration(heads: 2, keyWidth: 8, valueWidth: 16)),
      .attention(AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 8, hasBias: true)),
      .attention(AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 8, window: 6)),
    ],
    normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 64,
    tiesEmbeddings: true, initializerDeviation: 0.2)

  static func model(seed: UInt64 = 3) throws -> HybridModel {
    try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: seed))
  }

  /// A tokenizer of bytes.
  static func tokenizer() throws -> Tokenizer {
    var vocabulary: [String: Int] = [:]
    for byte in 0..<256 { vocabulary[spelling(byte)] = byte }
    return try Tokenizer(
      vocabulary: vocabulary, merges: [], preTokenizer: .gpt2,
      addedTokens: [.init("<|begin|>", id: begin), .init("<|end|>", id: end)],
      beginOfTextID: begin, endOfTextIDs: [end])
  }

  /// The log-likelihood of each token after those before it, by one pass over the whole sequence.
  static func logLikelihoods(_ tokens: [Int], _ model: HybridModel) -> [Double] {
    withoutGradients {
      let hidden = model(TokenBatch([tokens]))
      let logits = linear(model.norm(hidden), model.head).float32.logSoftmax(dim: -1)
      return tokens.indices.dropFirst().map { place in
        Double(
          logits.select(0, dim: 0).select(place - 1, dim: 0).select(tokens[place], dim: 0)
            .item(as: Float.self))
      }
    }
  }

  /// GPT-2's visible characters for bytes.
  private static func spelling(_ byte: Int) -> String {
    let visible = Array(33...126) + Array(161...172) + Array(174...255)
    if visible.contains(byte) { return UnicodeScalar(UInt32(byte)).map { String($0) } ?? "" }
    let hidden = (0..<256).filter { !visible.contains($0) }
    let place = hidden.firstIndex(of: byte) ?? 0
    return UnicodeScalar(UInt32(256 + place)).map { String($0) } ?? ""
  }
}
