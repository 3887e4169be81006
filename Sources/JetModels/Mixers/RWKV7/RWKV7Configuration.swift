import Foundation

/// An RWKV7 layer: the generalized delta rule on inputs mixed with those of the token before.
public struct RWKV7Configuration: LinearMixerConfiguration {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Channels of a key; rows of the memory.
  public var keyWidth: Int
  /// Channels of a value; columns of the memory.
  public var valueWidth: Int
  /// Width of the residual stream, whose last input the token shift keeps.
  public var width: Int
  /// The width in the middle of the decay's projection.
  public var decayRank: Int
  /// The width in the middle of the projection to in-context learning rates.
  public var rateRank: Int
  /// The width in the middle of the gate's projection.
  public var gateRank: Int
  /// Added to the variance in the norm of the read-outs, times the key width.
  public var normEps: Double

  /// A configuration with all its values; ranks that are not given are upstream's for this width.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, width: Int, decayRank: Int? = nil,
    rateRank: Int? = nil, gateRank: Int? = nil, normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.width = width
    // Multiples of 32 that grow with the root of the width.
    func rank(_ factor: Double) -> Int {
      max(32, Int((factor * Double(max(0, width)).squareRoot() / 32).rounded()) * 32)
    }
    let wide = 2.5 * Double(keyWidth) / 64
    self.decayRank = decayRank ?? rank(wide)
    self.rateRank = rateRank ?? rank(wide)
    self.gateRank = gateRank ?? rank(5)
    self.normEps = normEps
  }

  /// `rwkv7`.
  public static let kind = "rwkv7"

  /// RWKV7.
  public static let title = "RWKV7"

  /// The recall, the two parts of the update and the read.
  public static let memoryProducts = 4

  /// The token shift keeps one input of the layer.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(
      heads: heads, keyWidth: keyWidth, valueWidth: valueWidth, windowChannels: width,
      windowTaps: 1)
  }

  /// Numbers in its parameters.
  public func parameterCount(width: Int) -> Int {
    let (keys, values) = (keyChannels, valueChannels)
    let decayAndRate = (decayRank + rateRank) * (width + keys) + 2 * keys
    let gate = gateRank * (width + values)
    return 6 * width + width * (2 * keys + values) + decayAndRate + gate + 3 * keys + 2 * values
      + values * width
  }

  /// Checks the sizes and ranks.
  public func validate() throws {
    try validateSizes()
    guard (1...1_048_576).contains(width),
      [decayRank, rateRank, gateRank].allSatisfy((1...65_536).contains)
    else {
      throw ModelError(
        "an RWKV7 layer of width \(width) with ranks \(decayRank), \(rateRank) and \(gateRank) cannot "
          + "be built; expected positive numbers")
    }
  }

  /// The layer.
  ///
  /// - Throws: ``ModelError`` where ``width`` is not the model's.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try RWKV7(self, model, path)
  }
}
