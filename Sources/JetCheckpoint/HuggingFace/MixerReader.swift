import JetModels

extension ConfigurationReader {
  /// The mixer of each layer.
  func mixers(
    _ family: ModelConfiguration.Family, layerCount: Int, width: Int
  ) throws -> [MixerConfiguration] {
    let attention = try attention(family, width: width)
    guard family == .jetNemotron else {
      return Array(repeating: .attention(attention), count: layerCount)
    }
    let kinds = try required("layer_types", strings("layer_types"))
    guard kinds.count == layerCount else {
      throw CheckpointError("\(file) names \(kinds.count) layer_types for \(layerCount) layers")
    }
    // Settings of kinds that no layer is of say nothing, so they are not read.
    let settings = try object("efficient_attention_config")
    var mixers = ["attn": MixerConfiguration.attention(attention)]
    for kind in Set(kinds).sorted() where mixers[kind] == nil {
      guard let read = Self.mixerReaders[kind] else {
        let known = (["attn"] + Self.mixerReaders.keys.sorted()).joined(separator: ", ")
        throw CheckpointError("\(file) names a layer of type \(shown(kind)); Jet knows \(known)")
      }
      let own = try required("efficient_attention_config.\(kind)", settings?.object(kind))
      mixers[kind] = try read(own, attention)
      try own.finish()
    }
    return kinds.compactMap { mixers[$0] }
  }

  private func attention(
    _ family: ModelConfiguration.Family, width: Int
  ) throws -> AttentionConfiguration {
    let heads = try required("num_attention_heads", integer("num_attention_heads"))
    guard heads > 0 else {
      throw CheckpointError("\(file) names \(heads) attention heads; expected at least 1")
    }
    var keyValueHeads = try integer("num_key_value_heads")
    // Only Llama's class takes as many as there are query heads; the others have defaults that fit no model.
    if family == .llama { keyValueHeads = keyValueHeads ?? heads }
    // Of hybrids that came from such a teacher; the released code has no such key.
    let hasNorms = family == .jetNemotron ? try bool("qk_norm") ?? false : family == .qwen3
    return AttentionConfiguration(
      heads: heads, keyValueHeads: try required("num_key_value_heads", keyValueHeads),
      headWidth: try integer("head_dim") ?? (family == .qwen3 ? 128 : width / heads),
      hasBias: family == .qwen2 || family == .jetNemotron,
      normalizesQueriesAndKeys: hasNorms)
  }
}
