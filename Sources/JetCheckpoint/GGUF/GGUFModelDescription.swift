import JetFormats
import JetKernels
import JetModels

/// What a GGUF file's metadata and tensor names say of its model.
///
/// - Source: ggml's `docs/gguf.md`; llama.cpp's `gguf-py/gguf/constants.py` and `convert_hf_to_gguf.py`.
struct GGUFModelDescription {
  let configuration: ModelConfiguration
  let names: GGUFNames

  /// - Throws: ``CheckpointError`` or `FormatError` for an unknown architecture, a missing or impossible value, or a
  ///   key of the architecture that may change the mathematics and that Jet does not know.
  init(_ file: GGUFFile) throws {
    let architecture = try file.string("general.architecture")
    guard let family = Self.families[architecture] else {
      throw CheckpointError(
        "\(file.path) is of the architecture \(shown(architecture)); Jet reads llama, qwen2 and "
          + "qwen3 from GGUF files")
    }
    let reader = GGUFKeyReader(file, architecture: architecture)
    try reader.expectStandardMathematics()
    let layerCount = try reader.required("block_count", reader.integer)
    guard (1...4096).contains(layerCount) else {
      throw CheckpointError("\(file.path) names \(layerCount) layers; expected 1 to 4096")
    }
    let width = try reader.required("embedding_length", reader.integer)
    let attention = try reader.attention(family, width: width)
    let embedding = try file.tensor("token_embd.weight").entry
    let text = GGUFText(file)
    var configuration = ModelConfiguration(
      family: family, vocabularySize: embedding.rowCount, width: width,
      mlpWidth: try reader.required("feed_forward_length", reader.integer),
      mixers: Array(repeating: .attention(attention), count: layerCount),
      normEps: try reader.required("attention.layer_norm_rms_epsilon", reader.double),
      rotary: RotaryConfiguration(theta: try reader.double("rope.freq_base") ?? 10_000),
      maximumPositions: try reader.required("context_length", reader.integer),
      tiesEmbeddings: file["output.weight"] == nil, beginToken: try text.beginToken(),
      endTokens: try text.endTokens())
    configuration.rotary.scaling = try reader.scaling(positions: configuration.maximumPositions)
    try reader.finish()
    try configuration.validate(readFrom: file.path)
    if let factors = try reader.frequencyFactors() {
      configuration.rotary = try configuration.rotary.with(
        factors, headWidth: attention.headWidth, file: file.path)
    }
    let tokenCount = try text.tokenCount()
    guard tokenCount <= configuration.vocabularySize else {
      throw CheckpointError(
        "\(file.path) lists \(tokenCount) tokens, but its embedding has "
          + "\(configuration.vocabularySize) rows; get the file again")
    }
    self.configuration = configuration
    names = GGUFNames(headWidth: attention.headWidth, interleavesRows: family == .llama)
  }

  private static let families: [String: ModelConfiguration.Family] = [
    "llama": .llama, "qwen2": .qwen2, "qwen3": .qwen3,
  ]
}

extension GGUFKeyReader {
  /// Keys that may only have the value under which the mathematics are those that Jet runs.
  func expectStandardMathematics() throws {
    try expect("expert_count", integer("expert_count").map { $0 == 0 }, "dense models")
    try expect("expert_used_count", integer("expert_used_count").map { $0 == 0 }, "dense models")
    try expect("attention.causal", bool("attention.causal"), "causal attention")
    try expect(
      "attention.sliding_window", integer("attention.sliding_window").map { $0 == 0 },
      "full attention of GGUF files")
    try expect(
      "use_parallel_residual", bool("use_parallel_residual").map { !$0 },
      "one residual after the other")
    try expect("pooling_type", integer("pooling_type").map { $0 == 0 }, "models of the next token")
    // The number of rows is that of the embedding; the others are remarks of the converter.
    ignore(["vocab_size", "tensor_data_layout", "rope.scaling.finetuned"])
  }

  func attention(
    _ family: ModelConfiguration.Family, width: Int
  ) throws -> AttentionConfiguration {
    let heads = try required("attention.head_count", integer)
    guard heads > 0 else {
      throw CheckpointError("\(file.path) names \(heads) attention heads; expected at least 1")
    }
    let headWidth = try integer("attention.key_length") ?? width / heads
    try expect(
      "attention.value_length", integer("attention.value_length").map { $0 == headWidth },
      "values as wide as keys, \(headWidth) channels,")
    try expect(
      "rope.dimension_count", integer("rope.dimension_count").map { $0 == headWidth },
      "fully rotated heads, \(headWidth) channels,")
    return AttentionConfiguration(
      heads: heads, keyValueHeads: try integer("attention.head_count_kv") ?? heads,
      headWidth: headWidth,
      // Some files of the llama architecture come from models with biases.
      hasBias: family == .qwen2 || (family == .llama && file["blk.0.attn_q.bias"] != nil),
      normalizesQueriesAndKeys: family == .qwen3)
  }
}
