public import Foundation
import JetKernels
public import JetModels

extension ModelConfiguration {
  /// The configuration that a Hugging Face `config.json` describes.
  ///
  /// - Throws: ``CheckpointError`` for an unknown model, a missing or impossible value, or a key that may change the
  ///   mathematics and that Jet does not know.
  public init(huggingFace data: Data, file: String) throws {
    let reader = try ConfigurationReader(data, file: file)
    let type = try reader.required("model_type", reader.string("model_type"))
    guard let family = Family(rawValue: type) else {
      let known = Family.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError("\(file) is of model_type \(type); Jet runs \(known)")
    }
    try reader.expectStandardMathematics()
    let layerCount = try reader.required("num_hidden_layers", reader.integer("num_hidden_layers"))
    guard (1...4096).contains(layerCount) else {
      throw CheckpointError("\(file) names \(layerCount) layers; expected 1 to 4096")
    }
    let width = try reader.required("hidden_size", reader.integer("hidden_size"))
    let rotary = try reader.rotary(family)
    self.init(
      family: family,
      vocabularySize: try reader.required("vocab_size", reader.integer("vocab_size")), width: width,
      mlpWidth: try reader.required("intermediate_size", reader.integer("intermediate_size")),
      mixers: try reader.mixers(family, layerCount: layerCount, width: width),
      normEps: try reader.double("rms_norm_eps") ?? 1e-6, rotary: rotary,
      maximumPositions: try reader.required(
        "max_position_embeddings", reader.integer("max_position_embeddings")),
      tiesEmbeddings: try reader.bool("tie_word_embeddings") ?? false,
      initializerDeviation: try reader.double("initializer_range") ?? 0.02,
      beginToken: try reader.integer("bos_token_id"),
      endTokens: try reader.integers("eos_token_id") ?? [])
    reader.ignore(ConfigurationReader.harmlessKeys)
    try reader.finish()
    do {
      try validate()
    } catch let error as ModelError {
      throw CheckpointError("\(file): \(error.description)")
    }
  }
}

extension ConfigurationReader {
  /// Keys that say nothing about what the model computes for a given text.
  static let harmlessKeys = [
    "_name_or_path", "architectures", "attention_dropout", "auto_map", "dtype", "is_llama_config",
    "max_window_layers", "pad_token_id", "sliding_window", "torch_dtype", "transformers_version",
    "transformers.js_config", "use_cache", "output_attentions", "output_hidden_states",
    "return_dict",
    "layer_types",
  ]

  func expectStandardMathematics() throws {
    try expect("hidden_act", string("hidden_act").map { $0 == "silu" }, "silu")
    try expect(
      "attention_bias", bool("attention_bias").map { !$0 }, "attention without an output bias")
    try expect("mlp_bias", bool("mlp_bias").map { !$0 }, "MLPs without biases")
    try expect(
      "use_sliding_window", bool("use_sliding_window").map { !$0 },
      "Qwen models with full attention")
    try expect(
      "rope_interleaved", bool("rope_interleaved").map { !$0 }, "rotary embedding in halves")
    try expect(
      "partial_rotary_factor", double("partial_rotary_factor").map { $0 == 1 },
      "fully rotated heads")
    try expect("pretraining_tp", integer("pretraining_tp").map { $0 == 1 }, "unsplit projections")
  }

  func rotary(_ family: ModelConfiguration.Family) throws -> RotaryConfiguration {
    let nested = try object("rope_parameters")
    let given = try double("rope_theta") ?? nested?.double("rope_theta")
    let theta = given ?? (family == .llama ? 10_000 : 1_000_000)
    guard let scaling = try object("rope_scaling") ?? nested else {
      return RotaryConfiguration(theta: theta)
    }
    return RotaryConfiguration(
      theta: theta, scaling: try scaling.scaling(positions: integer("max_position_embeddings")))
  }

  private func scaling(positions: Int?) throws -> RotaryConfiguration.Scaling {
    let kind = try string("rope_type") ?? string("type") ?? "default"
    ignore(["type", "rope_theta"])
    func factor() throws -> Double { try required("factor", double("factor")) }
    func original() throws -> Int {
      try required(
        "original_max_position_embeddings", integer("original_max_position_embeddings") ?? positions
      )
    }
    let result: RotaryConfiguration.Scaling
    switch kind {
    case "default": result = .none
    case "linear": result = .linear(factor: try factor())
    case "dynamic": result = .dynamic(factor: try factor(), originalPositions: try original())
    case "yarn":
      result = .yarn(
        factor: try factor(), originalPositions: try original(),
        betaFast: try double("beta_fast") ?? 32,
        betaSlow: try double("beta_slow") ?? 1, attentionFactor: try double("attention_factor"))
    case "llama3":
      result = .llama3(
        factor: try factor(),
        lowFrequencyFactor: try required("low_freq_factor", double("low_freq_factor")),
        highFrequencyFactor: try required("high_freq_factor", double("high_freq_factor")),
        originalPositions: try original())
    default:
      throw CheckpointError(
        "\(file) scales positions by \(kind); Jet knows default, linear, dynamic, yarn and llama3")
    }
    try finish()
    return result
  }

  func mixers(
    _ family: ModelConfiguration.Family, layerCount: Int, width: Int
  ) throws -> [MixerConfiguration] {
    let heads = try required("num_attention_heads", integer("num_attention_heads"))
    guard heads > 0 else {
      throw CheckpointError("\(file) names \(heads) attention heads; expected at least 1")
    }
    var attention = AttentionConfiguration(
      heads: heads, keyValueHeads: try integer("num_key_value_heads") ?? heads,
      headWidth: try integer("head_dim") ?? width / heads,
      hasBias: family == .qwen2 || family == .jetNemotron,
      normalizesQueriesAndKeys: family == .qwen3)
    guard family == .jetNemotron else {
      return Array(repeating: .attention(attention), count: layerCount)
    }
    let kinds = try required("layer_types", strings("layer_types"))
    guard kinds.count == layerCount else {
      throw CheckpointError("\(file) names \(kinds.count) layer_types for \(layerCount) layers")
    }
    let linear = try object("efficient_attention_config")
    let jet = try linear?.object("jet")?.jetBlock()
    let windowed = try linear?.object("swa")
    let window = try windowed?.integer("window_size")
    try windowed?.finish()
    try linear?.finish()
    return try kinds.map { kind in
      switch kind {
      case "attn":
        attention.window = nil
        return .attention(attention)
      case "swa":
        attention.window = try required("efficient_attention_config.swa.window_size", window)
        return .attention(attention)
      case "jet": return .jet(try required("efficient_attention_config.jet", jet))
      default:
        throw CheckpointError("\(file) names a layer of type \(kind); Jet knows attn, swa and jet")
      }
    }
  }

  private func jetBlock() throws -> JetBlockConfiguration {
    let keyWidth = try required("head_dim", integer("head_dim"))
    let expansion = try double("expand_v") ?? 2
    guard (1...65_536).contains(keyWidth), expansion > 0, expansion <= 1024 else {
      throw CheckpointError(
        "\(file) sets head_dim \(keyWidth) and expand_v \(expansion); expected positive sizes")
    }
    let reduction = try integer("dconv_generator_reduction") ?? 8
    guard reduction > 0 else {
      throw CheckpointError(
        "\(file) sets dconv_generator_reduction to \(reduction); expected at least 1")
    }
    let block = JetBlockConfiguration(
      heads: try required("num_heads", integer("num_heads")), keyWidth: keyWidth,
      valueWidth: Int(Double(keyWidth) * expansion), kernelSize: try integer("conv_size") ?? 4,
      generatorReduction: reduction, normEps: try double("norm_eps") ?? 1e-5)
    ignore(["mode", "dconv_implementation", "autotune_interval"])
    try finish()
    return block
  }
}
