import JetInference
import JetText

@testable import jet

/// A tokenizer of bytes with the two marks of a small chat template, and models that speak it.
enum ByteText {
  static let start = 256
  static let end = 257
  static let vocabularySize = 258

  static func tokenizer() throws -> Tokenizer {
    var vocabulary: [String: Int] = [:]
    for byte in 0..<256 { vocabulary[spelling(UInt8(byte))] = byte }
    return try Tokenizer(
      vocabulary: vocabulary, merges: [], preTokenizer: .gpt2,
      addedTokens: [.init("<|start|>", id: start), .init("<|end|>", id: end)],
      endOfTextIDs: [end])
  }

  static func format() throws -> Conversation.Format {
    let source = """
      {%- for m in messages %}<|start|>{{ m.role }}:{{ m.content }}<|end|>{% endfor -%}
      {%- if add_generation_prompt %}<|start|>assistant:{% endif -%}
      """
    return Conversation.Format(
      template: try ChatTemplate(source), variables: [:], tokenizer: try tokenizer())
  }

  /// GPT-2's visible characters for bytes.
  private static func spelling(_ byte: UInt8) -> String {
    let visible = Array(33...126) + Array(161...172) + Array(174...255)
    if visible.contains(Int(byte)) { return String(UnicodeScalar(byte)) }
    let hidden = (0..<256).filter { !visible.contains($0) }
    let place = hidden.firstIndex(of: Int(byte)) ?? 0
    return UnicodeScalar(UInt32(256 + place)).map { String($0) } ?? ""
  }
}

/// Answers each prompt with the next of some texts, byte by byte, then the end token.
final class ScriptedModel: SequenceModel {
  let vocabularySize = ByteText.vocabularySize
  let maximumPositions: Int
  /// All tokens that the state holds.
  private(set) var tokens: [Int] = []
  /// The lengths of the pieces that were read at once.
  private(set) var pieces: [Int] = []
  private var answers: [[Int]]
  private var left: [Int] = []

  init(_ answers: [String], maximumPositions: Int = 1000) {
    self.answers = answers.map { $0.utf8.map { Int($0) } + [ByteText.end] }
    self.maximumPositions = maximumPositions
  }

  func prefill(_ prompt: [Int], isCancelled: () -> Bool) throws -> [Float] {
    tokens = []
    return try extend(prompt, isCancelled: isCancelled)
  }

  func extend(_ more: [Int], isCancelled: () -> Bool) throws -> [Float] {
    if isCancelled() { throw CancellationError() }
    tokens += more
    pieces.append(more.count)
    left = answers.isEmpty ? [ByteText.end] : answers.removeFirst()
    return next()
  }

  func step(_ token: Int) throws -> [Float] {
    tokens.append(token)
    return next()
  }

  func copy() throws -> any SequenceModel { self }

  private func next() -> [Float] {
    var logits = [Float](repeating: 0, count: vocabularySize)
    logits[left.isEmpty ? ByteText.end : left.removeFirst()] = 9
    return logits
  }
}
