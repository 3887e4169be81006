public import JetKernels

/// A RetNet layer: retention with a fixed decay a head and rotary positions.
public struct RetNetConfiguration: LinearMixerConfiguration {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Channels of a key; rows of the memory. Even, as positions turn pairs of channels.
  public var keyWidth: Int
  /// Channels of a value; columns of the memory.
  public var valueWidth: Int
  /// How positions become angles.
  public var rotary: RotaryConfiguration
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int,
    rotary: RotaryConfiguration = RotaryConfiguration(theta: 10_000), normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.rotary = rotary
    self.normEps = normEps
  }

  /// `retnet`.
  public static let kind = "retnet"

  /// Nothing is convolved.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(heads: heads, keyWidth: keyWidth, valueWidth: valueWidth)
  }

  /// Checks the sizes, and that keys can be turned.
  public func validate() throws {
    try validateSizes()
    guard keyWidth % 2 == 0 else {
      throw ModelError("the key width of a RetNet layer is \(keyWidth); expected an even number")
    }
    guard rotary.theta > 1, rotary.theta.isFinite else {
      throw ModelError("the rotary base is \(rotary.theta); expected a number above 1")
    }
  }

  /// The layer.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try RetNet(self, model, path)
  }
}
