import JetModels

extension ConfigurationReader {
  /// The mixer of each layer.
  func mixers(
    _ family: ModelConfiguration.Family, layerCount: Int, width: Int
  ) throws -> [MixerConfiguration] {
    var attention = try attention(family, width: width)
    guard family == .jetNemotron else {
      return Array(repeating: .attention(attention), count: layerCount)
    }
    let kinds = try required("layer_types", strings("layer_types"))
    guard kinds.count == layerCount else {
      throw CheckpointError("\(file) names \(kinds.count) layer_types for \(layerCount) layers")
    }
    let settings = try object("efficient_attention_config")
    let jet = kinds.contains("jet") ? try settings?.object("jet")?.jetBlock() : nil
    let window = kinds.contains("swa") ? try settings?.object("swa")?.window() : nil
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
        throw CheckpointError(
          "\(file) names a layer of type \(shown(kind)); Jet knows attn, swa and jet")
      }
    }
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
    return AttentionConfiguration(
      heads: heads, keyValueHeads: try required("num_key_value_heads", keyValueHeads),
      headWidth: try integer("head_dim") ?? (family == .qwen3 ? 128 : width / heads),
      hasBias: family == .qwen2 || family == .jetNemotron,
      normalizesQueriesAndKeys: family == .qwen3)
  }

  private func window() throws -> Int? {
    let window = try integer("window_size")
    try finish()
    return window
  }

  private func jetBlock() throws -> JetBlockConfiguration {
    let keyWidth = try required("head_dim", integer("head_dim"))
    let expansion = try positive("expand_v") ?? 2
    guard (1...65_536).contains(keyWidth), expansion <= 1024 else {
      throw CheckpointError(
        "\(file) sets head_dim \(keyWidth) and expand_v \(expansion); expected 1 to 65536 and at "
          + "most 1024")
    }
    let reduction = try integer("dconv_generator_reduction") ?? 8
    guard reduction > 0 else {
      throw CheckpointError(
        "\(file) sets dconv_generator_reduction to \(reduction); expected at least 1")
    }
    let block = JetBlockConfiguration(
      heads: try required("num_heads", integer("num_heads")), keyWidth: keyWidth,
      valueWidth: Int(Double(keyWidth) * expansion), kernelSize: try integer("conv_size") ?? 4,
      generatorReduction: reduction, normEps: try positive("norm_eps") ?? 1e-5)
    // How the released code runs the same mathematics.
    ignore(["mode", "dconv_implementation", "autotune_interval"])
    try finish()
    return block
  }
}
