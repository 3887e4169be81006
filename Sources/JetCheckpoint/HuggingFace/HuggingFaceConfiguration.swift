public import Foundation
import JetKernels
public import JetModels

extension ModelConfiguration {
  /// The configuration that a Hugging Face `config.json` describes.
  ///
  /// Where a key is missing, the default is that of the class in transformers.
  ///
  /// - Throws: ``CheckpointError`` for an unknown model, a missing or impossible value, or a key that may change the
  ///   mathematics and that Jet does not know.
  public init(huggingFace data: Data, file: String) throws {
    let reader = try ConfigurationReader(data, file: file)
    let type = try reader.required("model_type", reader.string("model_type"))
    guard let family = Family(rawValue: type) else {
      let known = Family.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError("\(file) is of model_type \(shown(type)); Jet runs \(known)")
    }
    try reader.expectStandardMathematics(family)
    let layerCount = try reader.required("num_hidden_layers", reader.integer("num_hidden_layers"))
    guard (1...4096).contains(layerCount) else {
      throw CheckpointError("\(file) names \(layerCount) layers; expected 1 to 4096")
    }
    let width = try reader.required("hidden_size", reader.integer("hidden_size"))
    let positions = try reader.required(
      "max_position_embeddings", reader.integer("max_position_embeddings"))
    self.init(
      family: family,
      vocabularySize: try reader.required("vocab_size", reader.integer("vocab_size")), width: width,
      mlpWidth: try reader.required("intermediate_size", reader.integer("intermediate_size")),
      mixers: try reader.mixers(family, layerCount: layerCount, width: width),
      normEps: try reader.double("rms_norm_eps") ?? 1e-6,
      rotary: try reader.rotary(positions: positions), maximumPositions: positions,
      tiesEmbeddings: try reader.bool("tie_word_embeddings") ?? false,
      initializerDeviation: try reader.double("initializer_range") ?? 0.02,
      beginToken: try reader.integer("bos_token_id"),
      endTokens: try reader.integers("eos_token_id") ?? [])
    reader.ignore(ConfigurationReader.harmlessKeys)
    try reader.finish()
    try validate(readFrom: file)
  }

  /// ``validate()`` for what a file says.
  func validate(readFrom file: String) throws {
    do {
      try validate()
    } catch let error as ModelError {
      throw CheckpointError("\(file): \(error.description)")
    }
    try rotary.validate(readFrom: file, mixers: mixers)
    let tokens = endTokens + [beginToken].compactMap { $0 }
    if let wrong = tokens.first(where: { !(0..<16_777_216).contains($0) }) {
      throw CheckpointError(
        "\(file) names token \(wrong) for the begin or end of a text; expected an id")
    }
  }
}

extension ConfigurationReader {
  /// Keys that say nothing about what the model computes for a given text: where it comes from, how it was trained,
  /// how transformers runs it, how it samples.
  static let harmlessKeys = [
    "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_name_or_path",
    "add_cross_attention", "architectures", "attention_dropout", "attn_implementation",
    "auto_map", "bad_words_ids", "begin_suppress_tokens", "chunk_size_feed_forward",
    "classifier_dropout", "cross_attention_hidden_size", "decoder_start_token_id", "do_sample",
    "dtype", "finetuning_task", "forced_bos_token_id", "forced_eos_token_id", "id2label",
    "is_decoder", "is_encoder_decoder", "is_llama_config", "label2id", "length_penalty",
    "max_length", "max_window_layers", "min_length", "num_beams", "num_return_sequences",
    "output_attentions", "output_hidden_states", "output_scores", "pad_token_id", "prefix",
    "problem_type", "pruned_heads", "remove_invalid_values", "repetition_penalty", "return_dict",
    "return_dict_in_generate", "sep_token_id", "suppress_tokens", "task_specific_params",
    "temperature", "tie_encoder_decoder", "tokenizer_class", "top_k", "top_p", "torch_dtype",
    "torchscript", "transformers.js_config", "transformers_version", "typical_p", "unk_token_id",
    "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache",
  ]

  /// Keys that may only have the value under which the mathematics are those that Jet runs.
  func expectStandardMathematics(_ family: ModelConfiguration.Family) throws {
    try expect("hidden_act", string("hidden_act").map { $0 == "silu" }, "silu")
    try expect(
      "attention_bias", bool("attention_bias").map { !$0 }, "attention without an output bias")
    try expect("mlp_bias", bool("mlp_bias").map { !$0 }, "MLPs without biases")
    try expect("use_mrope", bool("use_mrope").map { !$0 }, "positions of one dimension")
    try expect(
      "rope_interleaved", bool("rope_interleaved").map { !$0 }, "rotary embedding in halves")
    try expect(
      "partial_rotary_factor", double("partial_rotary_factor").map { $0 == 1 },
      "fully rotated heads")
    try expect("pretraining_tp", integer("pretraining_tp").map { $0 == 1 }, "unsplit projections")
    let quantization = ["quantization_config", "compression_config"].first(where: has)
    if let quantization {
      throw CheckpointError(
        "\(file) sets \(quantization), but Jet reads plain weights from safetensors; get the model "
          + "in BF16, or as GGUF")
    }
    ignore(["quantization_config", "compression_config"])

    let slides = try bool("use_sliding_window")
    try expect("use_sliding_window", slides.map { !$0 }, "Qwen models with full attention")
    // Qwen's configurations name a window and say that it is not used; without that word it may be.
    let isUnused = slides == false || family == .qwen2 || family == .qwen3
    let window = try integer("sliding_window")
    try expect("sliding_window", window.map { _ in isUnused }, "windows that layer_types names")
    guard family != .jetNemotron else { return }
    try expect(
      "layer_types", strings("layer_types").map { $0.allSatisfy { $0 == "full_attention" } },
      "\(family.rawValue) with full attention in all layers")
  }
}
