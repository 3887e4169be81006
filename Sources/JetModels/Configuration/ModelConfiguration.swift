public import JetKernels

/// The shape of a model: everything that its mathematics depends on but the weights.
public struct ModelConfiguration: Codable, Hashable, Sendable {
  /// Whose names and conventions the checkpoint follows.
  public enum Family: String, Codable, Sendable, CaseIterable {
    case llama
    case qwen2
    case qwen3
    case jetNemotron = "jet_nemotron"
  }

  /// Whose names and conventions the checkpoint follows.
  public var family: Family
  /// Rows of the embedding.
  public var vocabularySize: Int
  /// Width of the residual stream.
  public var width: Int
  /// Width inside the MLPs.
  public var mlpWidth: Int
  /// The token mixer of each layer.
  public var mixers: [MixerConfiguration]
  /// Added to the mean square in the normalizations.
  public var normEps: Double
  /// How positions become angles.
  public var rotary: RotaryConfiguration
  /// The longest sequence the model was made for, in tokens.
  public var maximumPositions: Int
  /// Whether the head's weight is the embedding.
  public var tiesEmbeddings: Bool
  /// Deviation of random weights.
  public var initializerDeviation: Double
  /// The token a text begins with.
  public var beginToken: Int?
  /// The tokens that end a text.
  public var endTokens: [Int]

  /// A configuration with all its values.
  public init(
    family: Family, vocabularySize: Int, width: Int, mlpWidth: Int, mixers: [MixerConfiguration],
    normEps: Double, rotary: RotaryConfiguration, maximumPositions: Int, tiesEmbeddings: Bool,
    initializerDeviation: Double = 0.02, beginToken: Int? = nil, endTokens: [Int] = []
  ) {
    self.family = family
    self.vocabularySize = vocabularySize
    self.width = width
    self.mlpWidth = mlpWidth
    self.mixers = mixers
    self.normEps = normEps
    self.rotary = rotary
    self.maximumPositions = maximumPositions
    self.tiesEmbeddings = tiesEmbeddings
    self.initializerDeviation = initializerDeviation
    self.beginToken = beginToken
    self.endTokens = endTokens
  }

  /// Checks that a model of this shape can exist, within bounds that no real model passes.
  ///
  /// - Throws: ``ModelError`` naming the value and what was expected.
  public func validate() throws {
    func expect(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
      guard range.contains(value) else {
        throw ModelError("\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound)")
      }
    }
    try expect("the vocabulary's size", vocabularySize, 1...16_777_216)
    try expect("the width", width, 1...1_048_576)
    try expect("the MLP's width", mlpWidth, 1...4_194_304)
    try expect("the number of layers", mixers.count, 1...4096)
    try expect("the number of positions", maximumPositions, 1...1_073_741_824)
    guard normEps > 0, normEps < 1 else {
      throw ModelError("the norm's epsilon is \(normEps); expected a number between 0 and 1")
    }
    guard rotary.theta > 1, rotary.theta.isFinite else {
      throw ModelError("the rotary base is \(rotary.theta); expected a number above 1")
    }
    for (layer, mixer) in mixers.enumerated() {
      do {
        try mixer.validate()
      } catch let error as ModelError {
        throw ModelError("layer \(layer): \(error.description)")
      }
    }
  }
}
