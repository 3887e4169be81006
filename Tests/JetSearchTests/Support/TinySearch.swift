import Foundation
import JetCheckpoint
import JetKernels
import JetModels
import JetTensor
import JetTestSupport

@testable import JetSearch

/// A teacher, texts and a configuration in a folder, small enough for a whole search in seconds.
struct TinySearch {
  let folder: URL

  /// Writes them; the same seed gives the same bytes.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - isQwen3: whether the teacher has norms of queries and keys and heads wider than its width over their number.
  init(_ folder: URL, isQwen3: Bool = false) throws {
    self.folder = folder
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let teacher = folder.appending(path: "teacher")
    let configuration = ModelConfiguration(
      family: isQwen3 ? .qwen3 : .llama, vocabularySize: 257, width: 32, mlpWidth: 48,
      mixers: Array(
        repeating: .attention(
          AttentionConfiguration(
            heads: 4, keyValueHeads: 2, headWidth: isQwen3 ? 16 : 8,
            normalizesQueriesAndKeys: isQwen3)),
        count: 5),
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 512,
      tiesEmbeddings: true, initializerDeviation: 0.2, endTokens: [256])
    let model = try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: 3))
    try model.save(to: teacher)
    try Data(Self.tokenizer.utf8).write(to: teacher.appending(path: "tokenizer.json"))
    try Data(#"{"eos_token": "<end>"}"#.utf8)
      .write(to: teacher.appending(path: "tokenizer_config.json"))
    try Data(Self.text(seed: 1, words: 4000).utf8).write(to: folder.appending(path: "train.txt"))
    try Data(Self.text(seed: 2, words: 400).utf8).write(to: folder.appending(path: "held.txt"))
    try Data(Self.yaml.utf8).write(to: folder.appending(path: "search.yaml"))
  }

  /// The configuration of the file.
  func configuration(
    _ change: (inout SearchConfiguration) -> Void = { _ in }
  ) throws
    -> SearchConfiguration
  {
    var made = try SearchConfiguration(contentsOf: folder.appending(path: "search.yaml").path)
    change(&made)
    return made
  }

  /// A run below the folder.
  func run(_ name: String) -> SearchFolder { SearchFolder(folder.appending(path: name)) }

  static let yaml = """
    teacher: teacher
    dtype: float32
    threads: 1
    seed: 5
    data:
      train: [train.txt]
      validation: [held.txt]
      sequence_length: 32
      sequences: 2
      validation_sequences: 4
    training: {checkpoint_tokens: 128, report_tokens: 64, calibration_tokens: 64, layer_parts: 2}
    super_network:
      linear: gated_deltanet
      layers: {tokens: 512, learning_rate: 3e-3}
      paths: {tokens: 512, learning_rate: 1e-3}
    placement:
      objectives:
        - {name: divergence, kind: divergence, sequences: 4}
        - name: recall
          kind: task
          task: {task: recall, lengths: [160], items: 2}
          metric: choice_loss
      guide: divergence
      sizes: [1, 2]
      size: 2
      strategies: [beam, one_layer, gates, uniform]
      strategy: beam
      beam_width: 2
      gates: {tokens: 256, learning_rate: 0.1}
      windows: {layers: 1, size: 8, objective: recall}
    blocks:
      candidates: [gated_deltanet, gla]
      training: {tokens: 256, learning_rate: 3e-3}
      rule: {metric: guide, within_standard_errors: 1, then: parameters}
    new_block:
      ablations: [{name: fixed, kernels: static}]
      training: {tokens: 256, learning_rate: 3e-3}
      rule: {metric: perplexity, within_standard_errors: 0, then: metric}
    grid:
      heads: [2]
      key_widths: [8, 16]
      training: {tokens: 256, learning_rate: 3e-3}
      context: 64
      batch: 2
      rule: {metric: guide, within_standard_errors: 0.5, then: state_bytes}
    final:
      layers: {tokens: 256, learning_rate: 3e-3}
      all_weights: {tokens: 512, learning_rate: 1e-3}
      lengths: [{from: 0.5, sequence_length: 64, sequences: 1}]
    evaluation:
      tasks: [{task: recall, lengths: [200], items: 1}]
      contexts: [64]
      decode_tokens: 2
    """

  /// Words of which the next follows from the one before more often than not.
  private static func text(seed: UInt64, words: Int) -> String {
    var generator = SeededGenerator(seed: seed)
    let all = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "one", "dog", "run", "far"]
    var place = 0
    return (0..<words).map { _ in
      let draw = Int(generator.next() % 12)
      place = draw < 8 ? (place * 5 + 1) % 12 : draw
      return all[place]
    }.joined(separator: " ")
  }

  /// The 256 bytes as tokens, and 256 to end a text.
  private static var tokenizer: String {
    var others = 0
    let entries = (0..<256).map { byte -> String in
      let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      let code = isPrintable ? byte : 0x100 + others
      if !isPrintable { others += 1 }
      let digits = String(code, radix: 16)
      return "\"\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)\": \(byte)"
    }
    return """
      {"version": "1.0", "added_tokens": [{"id": 256, "content": "<end>", "special": true}],
      "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
      "decoder": {"type": "ByteLevel"},
      "model": {"type": "BPE", "vocab": {\(entries.joined(separator: ", "))}, "merges": []}}
      """
  }
}
