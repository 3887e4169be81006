public import JetModels

extension MixerConfiguration {
  /// The kinds of linear mixers that a student can be given, from the plainest to the JetBlock.
  public static let linearKinds = [
    RetNetConfiguration.kind, GLAConfiguration.kind, DeltaNetConfiguration.kind,
    GatedDeltaNetConfiguration.kind, Mamba2Configuration.kind, RWKV7Configuration.kind,
    JetBlockConfiguration.kind,
  ]

  /// A linear mixer with the heads and widths of a teacher's attention, so that all kinds have states of one size.
  ///
  /// Each head's memory is `[headWidth, headWidth]`; of Mamba2 each head has a B and a C of its own, as the teacher's
  /// heads have queries. All else is as upstream begins it.
  ///
  /// - Parameters:
  ///   - kind: one of ``linearKinds``.
  ///   - attention: the teacher's.
  ///   - width: of the residual stream, which RWKV7 keeps an input of; all heads together when nil.
  /// - Throws: ``TrainingError`` for another kind.
  public static func linear(
    kind: String, like attention: AttentionConfiguration, width: Int? = nil
  ) throws(TrainingError) -> MixerConfiguration {
    let (heads, size) = (attention.heads, attention.headWidth)
    switch kind {
    case RetNetConfiguration.kind:
      return .retNet(RetNetConfiguration(heads: heads, keyWidth: size, valueWidth: size))
    case GLAConfiguration.kind:
      return .gla(GLAConfiguration(heads: heads, keyWidth: size, valueWidth: size))
    case DeltaNetConfiguration.kind:
      return .deltaNet(DeltaNetConfiguration(heads: heads, keyWidth: size, valueWidth: size))
    case GatedDeltaNetConfiguration.kind: return .gatedDeltaNet(like: attention)
    case Mamba2Configuration.kind:
      return .mamba2(
        Mamba2Configuration(heads: heads, keyWidth: size, valueWidth: size, groups: heads))
    case RWKV7Configuration.kind:
      return .rwkv7(
        RWKV7Configuration(
          heads: heads, keyWidth: size, valueWidth: size, width: width ?? heads * size))
    case JetBlockConfiguration.kind:
      return .jet(JetBlockConfiguration(heads: heads, keyWidth: size, valueWidth: size))
    default:
      throw TrainingError(
        "'\(kind)' is no linear mixer; expected one of \(linearKinds.joined(separator: ", "))")
    }
  }

  /// A Gated DeltaNet layer with the heads and widths of a teacher's attention.
  public static func gatedDeltaNet(like attention: AttentionConfiguration) -> MixerConfiguration {
    .gatedDeltaNet(
      GatedDeltaNetConfiguration(
        heads: attention.heads, keyWidth: attention.headWidth, valueWidth: attention.headWidth))
  }
}
