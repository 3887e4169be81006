/// One linear block, or one changed block of an ablation, with what was measured of a model that uses it.
public struct BlockRow: Codable, Hashable, Sendable {
  /// The name, such as `Gated DeltaNet`.
  public var name: String
  /// Parameters of the whole model.
  public var parameterCount: Int?
  /// Scores by task.
  public var scores: [TaskScore]
  /// Tokens a second in training.
  public var trainingTokensPerSecond: Estimate?
  /// Tokens a second while a prompt is read.
  public var prefillTokensPerSecond: Estimate?
  /// Tokens a second while a text is written.
  public var decodeTokensPerSecond: Estimate?
  /// Bytes of the memory that one layer keeps of a sequence.
  public var stateBytes: Int?
  /// Whether the search went on with it.
  public var isChosen: Bool

  /// All values; what is not known yet is left out.
  public init(
    name: String, parameterCount: Int? = nil, scores: [TaskScore] = [],
    trainingTokensPerSecond: Estimate? = nil, prefillTokensPerSecond: Estimate? = nil,
    decodeTokensPerSecond: Estimate? = nil, stateBytes: Int? = nil, isChosen: Bool = false
  ) {
    self.name = name
    self.parameterCount = parameterCount
    self.scores = scores
    self.trainingTokensPerSecond = trainingTokensPerSecond
    self.prefillTokensPerSecond = prefillTokensPerSecond
    self.decodeTokensPerSecond = decodeTokensPerSecond
    self.stateBytes = stateBytes
    self.isChosen = isChosen
  }
}
