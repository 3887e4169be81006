public import JetModels

/// The heads of a linear mixer, as far as taking over a teacher's projections needs them.
struct LinearHeads: Hashable {
  let heads: Int
  let keyWidth: Int
  let valueWidth: Int
}

extension MixerConfiguration {
  /// The heads of a mixer whose projections are named as attention's; nil for attention itself.
  var linearHeads: LinearHeads? {
    if case .jet(let jet) = self {
      return LinearHeads(heads: jet.heads, keyWidth: jet.keyWidth, valueWidth: jet.valueWidth)
    }
    if case .gatedDeltaNet(let net) = self {
      return LinearHeads(heads: net.heads, keyWidth: net.keyWidth, valueWidth: net.valueWidth)
    }
    return nil
  }

  /// The heads of attention; nil for a linear mixer.
  var attentionHeads: AttentionConfiguration? {
    if case .attention(let attention) = self { return attention }
    return nil
  }

  /// A Gated DeltaNet layer with the heads and widths of a teacher's attention.
  public static func gatedDeltaNet(like attention: AttentionConfiguration) -> MixerConfiguration {
    .gatedDeltaNet(
      GatedDeltaNetConfiguration(
        heads: attention.heads, keyWidth: attention.headWidth, valueWidth: attention.headWidth))
  }
}
