/// The token mixer of a layer.
public enum MixerConfiguration: Codable, Hashable, Sendable {
  /// Softmax attention, to all tokens or to a window of them.
  case attention(AttentionConfiguration)
  /// A JetBlock.
  case jet(JetBlockConfiguration)
  /// A Gated DeltaNet layer.
  case gatedDeltaNet(GatedDeltaNetConfiguration)

  /// Checks that such a mixer can exist.
  func validate() throws {
    switch self {
    case .attention(let configuration): try configuration.validate()
    case .jet(let configuration): try configuration.validate()
    case .gatedDeltaNet(let configuration): try configuration.validate()
    }
  }

  /// The name in the `layer_types` of a configuration; `attn`, `swa` and `jet` are the released code's.
  public var kind: String {
    switch self {
    case .attention(let configuration): configuration.window == nil ? "attn" : "swa"
    case .jet: "jet"
    case .gatedDeltaNet: "gated_deltanet"
    }
  }
}

/// Softmax attention with grouped heads.
public struct AttentionConfiguration: Codable, Hashable, Sendable {
  /// Query heads.
  public var heads: Int
  /// Key and value heads; each serves `heads / keyValueHeads` query heads.
  public var keyValueHeads: Int
  /// Channels of a head.
  public var headWidth: Int
  /// Whether the projections to query, key and value have biases.
  public var hasBias: Bool
  /// Whether each head of query and key is normalized before its rotation.
  public var normalizesQueriesAndKeys: Bool
  /// How many tokens a query sees, itself included; all when nil.
  public var window: Int?

  /// A configuration with all its values.
  public init(
    heads: Int, keyValueHeads: Int, headWidth: Int, hasBias: Bool = false,
    normalizesQueriesAndKeys: Bool = false, window: Int? = nil
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    self.hasBias = hasBias
    self.normalizesQueriesAndKeys = normalizesQueriesAndKeys
    self.window = window
  }

  func validate() throws {
    guard (1...65_536).contains(heads), (1...heads).contains(keyValueHeads),
      heads % keyValueHeads == 0
    else {
      throw ModelError(
        "\(heads) heads cannot share \(keyValueHeads) key and value heads; expected a divisor")
    }
    guard (2...65_536).contains(headWidth), headWidth % 2 == 0 else {
      throw ModelError("the head width is \(headWidth); expected an even number from 2")
    }
    try expectCountable(heads * headWidth)
    if let window, !(1...1_073_741_824).contains(window) {
      throw ModelError("the window is \(window); expected at least 1")
    }
  }
}

/// A JetBlock: the gated delta rule with a dynamic convolution on its values.
public struct JetBlockConfiguration: Codable, Hashable, Sendable {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Channels of a key; rows of the memory.
  public var keyWidth: Int
  /// Channels of a value; columns of the memory.
  public var valueWidth: Int
  /// Taps of the convolution.
  public var kernelSize: Int
  /// Channels of all values over the generator's inner width.
  public var generatorReduction: Int
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, kernelSize: Int = 4, generatorReduction: Int = 8,
    normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.kernelSize = kernelSize
    self.generatorReduction = generatorReduction
    self.normEps = normEps
  }

  /// The kernel generator's inner width.
  public var generatorWidth: Int { heads * valueWidth / generatorReduction }

  func validate() throws {
    try validateLinear(
      "JetBlock", heads: heads, keyWidth: keyWidth, valueWidth: valueWidth, kernelSize: kernelSize)
    guard generatorReduction >= 1, generatorWidth >= 1 else {
      throw ModelError(
        "a generator reduction of \(generatorReduction) leaves no channels of \(heads * valueWidth)"
      )
    }
  }
}

/// A Gated DeltaNet layer: the gated delta rule with short convolutions on queries, keys and values.
public struct GatedDeltaNetConfiguration: Codable, Hashable, Sendable {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Channels of a key; rows of the memory.
  public var keyWidth: Int
  /// Channels of a value; columns of the memory.
  public var valueWidth: Int
  /// Taps of the convolutions.
  public var kernelSize: Int
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, kernelSize: Int = 4, normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.kernelSize = kernelSize
    self.normEps = normEps
  }

  func validate() throws {
    try validateLinear(
      "Gated DeltaNet layer", heads: heads, keyWidth: keyWidth, valueWidth: valueWidth,
      kernelSize: kernelSize)
  }
}

private func validateLinear(
  _ what: String, heads: Int, keyWidth: Int, valueWidth: Int, kernelSize: Int
) throws {
  guard (1...65_536).contains(heads), (1...65_536).contains(keyWidth),
    (1...65_536).contains(valueWidth), (1...64).contains(kernelSize)
  else {
    throw ModelError(
      "a \(what) of \(heads) heads, key width \(keyWidth), value width \(valueWidth) and kernel size "
        + "\(kernelSize) cannot be built; expected positive sizes and a kernel of at most 64")
  }
  try expectCountable(heads * max(keyWidth, valueWidth))
}

/// Refuses heads that together have more channels than any model, so that no product of sizes overflows.
private func expectCountable(_ channels: Int) throws {
  guard channels <= 4_194_304 else {
    throw ModelError("all heads together have \(channels) channels; expected at most 4194304")
  }
}
