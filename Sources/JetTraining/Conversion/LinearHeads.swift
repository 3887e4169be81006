public import JetModels

/// The heads of a linear mixer, as far as taking over a teacher's projections needs them.
struct LinearHeads: Hashable {
  let heads: Int
  let keyWidth: Int
  let valueWidth: Int
}

extension MixerConfiguration {
  /// The heads of a mixer whose projections are named as attention's; nil for attention itself, and for Mamba2 and RWKV7,
  /// whose projections are of another kind.
  var linearHeads: LinearHeads? {
    switch self {
    case .jet, .gatedDeltaNet, .deltaNet, .gla, .retNet:
      linear.map { mixer in
        let sizes = mixer.stateSizes
        return LinearHeads(
          heads: sizes.heads, keyWidth: sizes.keyWidth, valueWidth: sizes.valueWidth)
      }
    case .attention, .mamba2, .rwkv7: nil
    }
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
