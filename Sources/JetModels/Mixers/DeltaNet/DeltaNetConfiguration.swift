/// A DeltaNet layer: the delta rule, without decay, with short convolutions on queries, keys and values.
public struct DeltaNetConfiguration: LinearMixerConfiguration {
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

  /// `deltanet`.
  public static let kind = "deltanet"

  /// DeltaNet.
  public static let title = "DeltaNet"

  /// The recall, the update and the read.
  public static let memoryProducts = 3

  /// The convolution is on queries, keys and values.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(
      heads: heads, keyWidth: keyWidth, valueWidth: valueWidth,
      windowChannels: heads * (2 * keyWidth + valueWidth), windowTaps: kernelSize)
  }

  /// Numbers in its parameters.
  public func parameterCount(width: Int) -> Int {
    let (keys, values) = (keyChannels, valueChannels)
    let convolved = 2 * keys + values
    return width * (convolved + heads) + convolved * kernelSize + valueWidth + values * width
  }

  /// Checks the sizes.
  public func validate() throws { try validateSizes() }

  /// The layer.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try DeltaNet(self, model, path)
  }
}
