/// A GLA layer: gated linear attention, whose decay is made from each token for each channel of the key.
public struct GLAConfiguration: LinearMixerConfiguration {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Channels of a key; rows of the memory.
  public var keyWidth: Int
  /// Channels of a value; columns of the memory.
  public var valueWidth: Int
  /// The width in the middle of the decay's projection.
  public var decayRank: Int
  /// By what the log decays are divided, so that the memory begins long.
  public var decayDivisor: Double
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, decayRank: Int = 16, decayDivisor: Double = 16,
    normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.decayRank = decayRank
    self.decayDivisor = decayDivisor
    self.normEps = normEps
  }

  /// `gla`.
  public static let kind = "gla"

  /// GLA.
  public static let title = "GLA"

  /// The update and the read.
  public static let memoryProducts = 2

  /// Nothing is convolved.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(heads: heads, keyWidth: keyWidth, valueWidth: valueWidth)
  }

  /// Numbers in its parameters.
  public func parameterCount(width: Int) -> Int {
    let (keys, values) = (keyChannels, valueChannels)
    let decay = width * decayRank + decayRank * keys + keys
    return width * (2 * keys + 2 * values) + decay + valueWidth + values * width
  }

  /// Checks the sizes and the decay's projection.
  public func validate() throws {
    try validateSizes()
    guard (1...65_536).contains(decayRank), decayDivisor > 0, decayDivisor.isFinite else {
      throw ModelError(
        "a GLA layer's decay of rank \(decayRank), divided by \(decayDivisor), cannot be built; "
          + "expected positive numbers")
    }
  }

  /// The layer.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try GLA(self, model, path)
  }
}
