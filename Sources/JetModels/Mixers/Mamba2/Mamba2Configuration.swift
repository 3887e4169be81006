/// A Mamba2 layer: a state-space model with one decay a head.
public struct Mamba2Configuration: LinearMixerConfiguration {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// The state's size: channels of B and C; rows of the memory.
  public var keyWidth: Int
  /// Channels of a head; columns of the memory.
  public var valueWidth: Int
  /// Groups of heads that share B and C.
  public var groups: Int
  /// Taps of the convolution.
  public var kernelSize: Int
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, groups: Int = 1, kernelSize: Int = 4,
    normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.groups = groups
    self.kernelSize = kernelSize
    self.normEps = normEps
  }

  /// `mamba2`.
  public static let kind = "mamba2"

  /// Mamba2.
  public static let title = "Mamba2"

  /// The update and the read.
  public static let memoryProducts = 2

  /// Channels that pass the convolution: the heads' inputs, B and C.
  var convolvedChannels: Int { heads * valueWidth + 2 * groups * keyWidth }

  /// The convolution is on the heads' inputs, B and C.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(
      heads: heads, keyWidth: keyWidth, valueWidth: valueWidth, windowChannels: convolvedChannels,
      windowTaps: kernelSize)
  }

  /// Numbers in its parameters.
  public func parameterCount(width: Int) -> Int {
    let (inner, convolved) = (valueChannels, convolvedChannels)
    return width * (inner + convolved + heads) + convolved * (kernelSize + 1) + 3 * heads + inner
      + inner * width
  }

  /// Checks the sizes, and that groups are of equal size.
  public func validate() throws {
    try validateSizes()
    guard (1...heads).contains(groups), heads % groups == 0 else {
      throw ModelError(
        "\(heads) heads of a Mamba2 layer cannot share \(groups) groups; expected a divisor")
    }
  }

  /// The layer.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try Mamba2(self, model, path)
  }
}
