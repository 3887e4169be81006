/// The token mixer of a layer.
///
/// A new linear mixer is registered here and nowhere else: a case, and its line in ``sort``.
public enum MixerConfiguration: Codable, Hashable, Sendable {
  /// Softmax attention, to all tokens or to a window of them.
  case attention(AttentionConfiguration)
  /// A JetBlock.
  case jet(JetBlockConfiguration)
  /// A Gated DeltaNet layer.
  case gatedDeltaNet(GatedDeltaNetConfiguration)
  /// A DeltaNet layer.
  case deltaNet(DeltaNetConfiguration)
  /// A layer of gated linear attention.
  case gla(GLAConfiguration)
  /// A RetNet layer.
  case retNet(RetNetConfiguration)
  /// A Mamba2 layer.
  case mamba2(Mamba2Configuration)
  /// An RWKV7 layer.
  case rwkv7(RWKV7Configuration)

  /// Attention or a linear mixer, with what all of the sort have in common.
  public var sort: Sort {
    switch self {
    case .attention(let configuration): .attention(configuration)
    case .jet(let configuration): .linear(configuration)
    case .gatedDeltaNet(let configuration): .linear(configuration)
    case .deltaNet(let configuration): .linear(configuration)
    case .gla(let configuration): .linear(configuration)
    case .retNet(let configuration): .linear(configuration)
    case .mamba2(let configuration): .linear(configuration)
    case .rwkv7(let configuration): .linear(configuration)
    }
  }

  /// The two sorts of mixers: with a growing cache, or with a state of fixed size.
  public enum Sort {
    /// Softmax attention.
    case attention(AttentionConfiguration)
    /// A linear mixer of any kind.
    case linear(any LinearMixerConfiguration)
  }

  /// The configuration of a linear mixer; nil for attention.
  public var linear: (any LinearMixerConfiguration)? {
    if case .linear(let configuration) = sort { configuration } else { nil }
  }

  /// The name in the `layer_types` of a configuration; `attn`, `swa` and `jet` are the released code's.
  public var kind: String {
    switch sort {
    case .attention(let configuration): configuration.kind
    case .linear(let configuration): type(of: configuration).kind
    }
  }

  /// Checks that such a mixer can exist.
  func validate() throws {
    switch sort {
    case .attention(let configuration): try configuration.validate()
    case .linear(let configuration): try configuration.validate()
    }
  }
}

/// Refuses heads that together have more channels than any model, so that no product of sizes overflows.
func expectCountable(_ channels: Int) throws {
  guard channels <= 4_194_304 else {
    throw ModelError("all heads together have \(channels) channels; expected at most 4194304")
  }
}
