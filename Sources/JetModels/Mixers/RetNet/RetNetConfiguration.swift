/// A RetNet layer: retention with a fixed decay a head and rotary positions.
public struct RetNetConfiguration: LinearMixerConfiguration {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Channels of a key; rows of the memory. Even, as positions turn pairs of channels.
  public var keyWidth: Int
  /// Channels of a value; columns of the memory.
  public var valueWidth: Int
  /// The base of the frequencies at which positions turn queries and keys.
  public var rotaryTheta: Double
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int,
    rotaryTheta: Double = 10_000, normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.rotaryTheta = rotaryTheta
    self.normEps = normEps
  }

  /// `retnet`.
  public static let kind = "retnet"

  /// RetNet.
  public static let title = "RetNet"

  /// The update and the read.
  public static let memoryProducts = 2

  /// Nothing is convolved.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(heads: heads, keyWidth: keyWidth, valueWidth: valueWidth)
  }

  /// Numbers in its parameters.
  public func parameterCount(width: Int) -> Int {
    let (keys, values) = (keyChannels, valueChannels)
    return width * (2 * keys + 2 * values) + valueWidth + values * width
  }

  /// Checks the sizes, and that keys can be turned.
  public func validate() throws {
    try validateSizes()
    guard keyWidth % 2 == 0 else {
      throw ModelError("the key width of a RetNet layer is \(keyWidth); expected an even number")
    }
    guard rotaryTheta > 1, rotaryTheta.isFinite else {
      throw ModelError("the rotary base is \(rotaryTheta); expected a number above 1")
    }
  }

  /// The layer.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try RetNet(self, model, path)
  }
}
