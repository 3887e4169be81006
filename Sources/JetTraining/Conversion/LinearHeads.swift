import JetModels

/// The heads of a linear mixer, as far as taking over a teacher's projections needs them.
struct LinearHeads: Hashable {
  let heads: Int
  let keyWidth: Int
  let valueWidth: Int
}

extension MixerConfiguration {
  /// The heads of a linear mixer; nil for attention.
  var linearHeads: LinearHeads? {
    linear.map { mixer in
      let sizes = mixer.stateSizes
      return LinearHeads(
        heads: sizes.heads, keyWidth: sizes.keyWidth, valueWidth: sizes.valueWidth)
    }
  }

  /// The heads of attention; nil for a linear mixer.
  var attentionHeads: AttentionConfiguration? {
    if case .attention(let attention) = self { return attention }
    return nil
  }
}
