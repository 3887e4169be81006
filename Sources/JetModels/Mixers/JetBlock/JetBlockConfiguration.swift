/// A JetBlock: the gated delta rule with a convolution, dynamic on its values as released.
public struct JetBlockConfiguration: LinearMixerConfiguration {
  /// Where the convolution's kernels come from.
  public enum Kernels: String, Codable, Hashable, Sendable, CaseIterable {
    /// Made from each token by a generator.
    case dynamic
    /// Learned, the same for all tokens.
    case fixed = "static"
  }

  /// What passes the convolution; queries and keys that do not pass it only `silu`.
  public enum Convolved: String, Codable, Hashable, Sendable, CaseIterable {
    /// The values.
    case values
    /// Queries, keys and values.
    case queriesKeysAndValues = "queries_keys_values"
  }

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
  /// Where the convolution's kernels come from.
  public var kernels: Kernels
  /// What passes the convolution.
  public var convolved: Convolved
  /// Added to the mean square in the norm of the read-outs.
  public var normEps: Double

  /// A configuration with all its values; by default the released form.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, kernelSize: Int = 4, generatorReduction: Int = 8,
    kernels: Kernels = .dynamic, convolved: Convolved = .values, normEps: Double = 1e-5
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.kernelSize = kernelSize
    self.generatorReduction = generatorReduction
    self.kernels = kernels
    self.convolved = convolved
    self.normEps = normEps
  }

  /// `jet`, as in the released code.
  public static let kind = "jet"

  /// JetBlock.
  public static let title = "JetBlock"

  /// The recall, the update and the read.
  public static let memoryProducts = 3

  /// The inner width of the values' kernel generator.
  public var generatorWidth: Int { heads * valueWidth / generatorReduction }

  /// Whether the released code has such a block: a dynamic convolution on the values.
  public var isReleasedForm: Bool { kernels == .dynamic && convolved == .values }

  /// The streams that pass the convolution: the prefix of their parameters' names, and their channels.
  var streams: [(prefix: String, channels: Int)] {
    let (keys, values) = (heads * keyWidth, heads * valueWidth)
    return switch convolved {
    case .values: [("v", values)]
    case .queriesKeysAndValues: [("q", keys), ("k", keys), ("v", values)]
    }
  }

  /// The inner width of each stream's kernel generator; empty for fixed kernels.
  var generatorWidths: [Int] {
    kernels == .fixed ? [] : streams.map { $0.channels / generatorReduction }
  }

  /// The window holds what passes the convolution.
  public var stateSizes: RecurrentStateSizes {
    RecurrentStateSizes(
      heads: heads, keyWidth: keyWidth, valueWidth: valueWidth,
      windowChannels: streams.reduce(0) { $0 + $1.channels }, windowTaps: kernelSize)
  }

  /// Numbers in its parameters.
  public func parameterCount(width: Int) -> Int {
    let (keys, values) = (keyChannels, valueChannels)
    let inputs = 2 * keys + 2 * values + generatorWidths.reduce(0, +) + 2 * heads
    let channels = streams.map(\.channels)
    let taps =
      kernels == .fixed
      ? channels.reduce(0, +) * kernelSize
      : zip(channels, generatorWidths).reduce(0) { $0 + $1.0 * kernelSize * ($1.1 + 1) }
    return width * inputs + taps + 2 * heads + valueWidth + values * width
  }

  /// Checks the sizes, and that each generator has channels.
  public func validate() throws {
    try validateSizes()
    guard generatorReduction >= 1, generatorWidths.allSatisfy({ $0 >= 1 }) else {
      let channels = streams.map(\.channels).min() ?? 0
      throw ModelError(
        "a generator reduction of \(generatorReduction) leaves no channels of \(channels)")
    }
  }

  /// The block.
  public func makeMixer(
    _ model: ModelConfiguration, _ path: ParameterPath
  ) throws -> any LinearMixer {
    try JetBlock(self, model, path)
  }
}
