import JetKernels
import JetModels
import JetTensor

extension ModelConfiguration {
  /// The `config.json` under which the released code, or transformers, builds the same model.
  ///
  /// The released Jet-Nemotron code knows no norms of queries and keys and no heads of another width than the model's over
  /// their number. A hybrid of such a teacher has the keys `qk_norm` and `head_dim`, which Jet alone reads.
  ///
  /// - Throws: ``CheckpointError`` for a model that those cannot express.
  func huggingFace(dtype: DType) throws -> JSONText {
    let layers = try LayersToWrite(self)
    let attention = layers.attention
    var members: [(String, JSONText)] = [
      ("architectures", .list([.string(architecture)])), ("model_type", .string(family.rawValue)),
      ("vocab_size", .integer(vocabularySize)), ("hidden_size", .integer(width)),
      ("intermediate_size", .integer(mlpWidth)), ("num_hidden_layers", .integer(mixers.count)),
      ("num_attention_heads", .integer(attention.heads)),
      ("num_key_value_heads", .integer(attention.keyValueHeads)),
    ]
    if family == .llama || family == .qwen3 || attention.headWidth != width / attention.heads {
      members.append(("head_dim", .integer(attention.headWidth)))
    }
    members += [
      ("max_position_embeddings", .integer(maximumPositions)), ("rms_norm_eps", .number(normEps)),
      ("rope_theta", .number(rotary.theta)),
    ]
    if let scaling = try rotary.huggingFaceScaling(positions: maximumPositions) {
      members.append(("rope_scaling", scaling))
    }
    members.append(("tie_word_embeddings", .bool(tiesEmbeddings)))
    members.append(("initializer_range", .number(initializerDeviation)))
    if let beginToken { members.append(("bos_token_id", .integer(beginToken))) }
    if endTokens.count == 1 {
      members.append(("eos_token_id", .integer(endTokens[0])))
    } else if !endTokens.isEmpty {
      members.append(("eos_token_id", .list(endTokens.map { .integer($0) })))
    }
    if family == .jetNemotron, attention.normalizesQueriesAndKeys {
      members.append(("qk_norm", .bool(true)))
    }
    members += layers.members
    switch family {
    case .llama, .qwen3: members.append(("attention_bias", .bool(false)))
    case .qwen2: members.append(("use_sliding_window", .bool(false)))
    case .jetNemotron: break
    }
    members += [
      ("torch_dtype", .string(dtype.description)), ("hidden_act", .string("silu")),
      ("attention_dropout", .number(0)), ("use_cache", .bool(true)),
    ]
    return .object(members)
  }

  private var architecture: String {
    switch family {
    case .llama: "LlamaForCausalLM"
    case .qwen2: "Qwen2ForCausalLM"
    case .qwen3: "Qwen3ForCausalLM"
    case .jetNemotron: "JetNemotronForCausalLM"
    }
  }
}

/// The mixers of a model as its family's `config.json` has them: one configuration for all layers of a kind.
private struct LayersToWrite {
  let attention: AttentionConfiguration
  private(set) var members: [(String, JSONText)] = []

  init(_ model: ModelConfiguration) throws {
    let family = model.family
    var kinds: [String: MixerConfiguration] = [:]
    var attention: AttentionConfiguration?
    for mixer in model.mixers {
      var isSame = (kinds[mixer.kind] ?? mixer) == mixer
      kinds[mixer.kind] = mixer
      if case .attention(var own) = mixer {
        own.window = nil
        isSame = isSame && (attention ?? own) == own
        attention = own
      }
      guard isSame else {
        throw CheckpointError(
          "a config.json of \(family.rawValue) describes all layers of a kind at once, but the "
            + "model's layers of the kind \(mixer.kind) differ; it cannot be saved")
      }
    }
    // A model without attention still names the heads that it would have.
    self.attention =
      attention
      ?? AttentionConfiguration(
        heads: 1, keyValueHeads: 1, headWidth: model.width, hasBias: family == .jetNemotron)
    try Self.check(self.attention, model)
    guard family == .jetNemotron else {
      guard kinds.keys.allSatisfy({ $0 == "attn" }) else {
        throw CheckpointError(
          "a config.json of \(family.rawValue) knows full attention only; set the model's family to "
            + "\(ModelConfiguration.Family.jetNemotron.rawValue) to save other mixers")
      }
      return
    }
    let settings = kinds.sorted { $0.key < $1.key }.compactMap { kind, mixer in
      mixer.settings.map { (kind, $0) }
    }
    members = [
      ("layer_types", .list(model.mixers.map { .string($0.kind) })),
      ("efficient_attention_config", .object(settings)),
    ]
  }

  /// Refuses an attention that the family's code does not have.
  private static func check(
    _ attention: AttentionConfiguration, _ model: ModelConfiguration
  ) throws {
    let family = model.family
    let hasBias = family == .qwen2 || family == .jetNemotron
    let hasNorms =
      family == .qwen3 || family == .jetNemotron && attention.normalizesQueriesAndKeys
    guard attention.hasBias == hasBias, attention.normalizesQueriesAndKeys == hasNorms else {
      throw CheckpointError(
        "the attention of \(family.rawValue) has \(hasBias ? "" : "no ")biases and "
          + "\(hasNorms ? "" : "no ")norms of query and key, but the model's differs; it cannot be "
          + "saved under that name")
    }
  }
}

extension RotaryConfiguration {
  /// `rope_scaling`; nil where there is none.
  fileprivate func huggingFaceScaling(positions: Int) throws -> JSONText? {
    var members: [(String, JSONText)]
    switch scaling {
    case .none: return nil
    case .linear(let factor):
      members = [("rope_type", .string("linear")), ("factor", .number(factor))]
    case .dynamic(let factor, let original):
      guard original == positions else {
        throw CheckpointError(
          "transformers scales positions dynamically from max_position_embeddings, \(positions), but the "
            + "model from \(original); it cannot be saved")
      }
      members = [("rope_type", .string("dynamic")), ("factor", .number(factor))]
    case .yarn(let factor, let original, let fast, let slow, let attention):
      members = [
        ("rope_type", .string("yarn")), ("factor", .number(factor)),
        ("original_max_position_embeddings", .integer(original)), ("beta_fast", .number(fast)),
        ("beta_slow", .number(slow)),
      ]
      if let attention { members.append(("attention_factor", .number(attention))) }
    case .llama3(let factor, let low, let high, let original):
      members = [
        ("rope_type", .string("llama3")), ("factor", .number(factor)),
        ("low_freq_factor", .number(low)), ("high_freq_factor", .number(high)),
        ("original_max_position_embeddings", .integer(original)),
      ]
    }
    return .object(members)
  }
}
