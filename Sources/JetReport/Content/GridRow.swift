/// One point of the search over the sizes of the chosen block.
public struct GridRow: Codable, Hashable, Sendable {
  /// Numbers in a key of one head.
  public var keyWidth: Int
  /// Numbers in a value of one head.
  public var valueWidth: Int
  /// Heads.
  public var headCount: Int
  /// Parameters of the whole model.
  public var parameterCount: Int?
  /// Bytes of the memory that one layer keeps of a sequence.
  public var stateBytes: Int?
  /// Tokens a second while a text is written.
  public var tokensPerSecond: Estimate?
  /// The score, greater is better.
  public var score: Estimate?
  /// Whether no other point is both faster and better.
  public var isOnFront: Bool
  /// Whether the search went on with it.
  public var isChosen: Bool

  /// All values; what is not known yet is left out.
  public init(
    keyWidth: Int, valueWidth: Int, headCount: Int, parameterCount: Int? = nil,
    stateBytes: Int? = nil, tokensPerSecond: Estimate? = nil, score: Estimate? = nil,
    isOnFront: Bool = false, isChosen: Bool = false
  ) {
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.headCount = headCount
    self.parameterCount = parameterCount
    self.stateBytes = stateBytes
    self.tokensPerSecond = tokensPerSecond
    self.score = score
    self.isOnFront = isOnFront
    self.isChosen = isChosen
  }
}
