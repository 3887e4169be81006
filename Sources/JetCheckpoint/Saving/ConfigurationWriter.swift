import JetKernels
import JetModels
import JetTensor

extension ModelConfiguration {
  /// The `config.json` under which the released code, or transformers, builds the same model.
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

/// The mixers of a model as its family's `config.json` has them: one attention, one window and one JetBlock for all
/// layers of that kind.
private struct LayersToWrite {
  let attention: AttentionConfiguration
  private(set) var members: [(String, JSONText)] = []

  init(_ model: ModelConfiguration) throws {
    let family = model.family
    var (attentions, windows): ([AttentionConfiguration], [Int]) = ([], [])
    var blocks: [JetBlockConfiguration] = []
    for mixer in model.mixers {
      switch mixer {
      case .attention(var configuration):
        if let window = configuration.window { windows.append(window) }
        configuration.window = nil
        attentions.append(configuration)
      case .jet(let configuration): blocks.append(configuration)
      case .gatedDeltaNet:
        throw CheckpointError(
          "a config.json of \(family.rawValue) has no place for Gated DeltaNet layers; save a model "
            + "of attention and JetBlocks")
      }
    }
    func one<Value: Hashable>(_ values: [Value], _ what: String) throws -> Value? {
      guard Set(values).count <= 1 else {
        throw CheckpointError(
          "a config.json of \(family.rawValue) holds one \(what) for all layers, but the model has "
            + "\(Set(values).count) different ones")
      }
      return values.first
    }
    // A model without attention still names the heads that it would have.
    attention =
      try one(attentions, "attention")
      ?? AttentionConfiguration(
        heads: 1, keyValueHeads: 1, headWidth: model.width, hasBias: family == .jetNemotron)
    let (window, block) = (try one(windows, "window"), try one(blocks, "JetBlock"))
    let hasBias = family == .qwen2 || family == .jetNemotron
    guard attention.hasBias == hasBias, attention.normalizesQueriesAndKeys == (family == .qwen3)
    else {
      throw CheckpointError(
        "the attention of \(family.rawValue) has \(hasBias ? "" : "no ")biases and "
          + "\(family == .qwen3 ? "" : "no ")norms of query and key, but the model's differs; it "
          + "cannot be saved under that name")
    }
    guard family == .jetNemotron else {
      guard window == nil, block == nil else {
        throw CheckpointError(
          "a config.json of \(family.rawValue) knows full attention only; set the model's family to "
            + "\(ModelConfiguration.Family.jetNemotron.rawValue) to save windows and JetBlocks")
      }
      return
    }
    guard attention.headWidth == model.width / attention.heads else {
      throw CheckpointError(
        "the released Jet-Nemotron code divides the width \(model.width) by \(attention.heads) heads, but "
          + "the model's heads have \(attention.headWidth) channels; it cannot be saved")
    }
    members = [("layer_types", .list(model.mixers.map { .string($0.kind) }))]
    var kinds: [(String, JSONText)] = []
    if let block { kinds.append(("jet", block.huggingFace)) }
    if let window { kinds.append(("swa", .object([("window_size", .integer(window))]))) }
    members.append(("efficient_attention_config", .object(kinds)))
  }
}

extension JetBlockConfiguration {
  fileprivate var huggingFace: JSONText {
    .object([
      ("conv_size", .integer(kernelSize)),
      ("dconv_generator_reduction", .integer(generatorReduction)),
      ("dconv_implementation", .string("triton")), ("expand_v", .number(expansion)),
      ("head_dim", .integer(keyWidth)), ("mode", .string("chunk")), ("norm_eps", .number(normEps)),
      ("num_heads", .integer(heads)),
    ])
  }

  /// The quotient of the widths, rounded up so that the released code's `int(head_dim * expand_v)` is the value width.
  private var expansion: Double {
    var quotient = Double(valueWidth) / Double(keyWidth)
    while Int(Double(keyWidth) * quotient) < valueWidth { quotient = quotient.nextUp }
    return quotient
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
