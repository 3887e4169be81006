/// A loss after some tokens.
public struct LossPoint: Codable, Hashable, Sendable {
  /// Tokens that were trained on before.
  public var tokens: Double
  /// The loss there.
  public var loss: Double

  /// All values; what is not known yet is left out.
  public init(tokens: Double, loss: Double) {
    self.tokens = tokens
    self.loss = loss
  }
}

/// The loss of one training run.
public struct LossCurve: Codable, Hashable, Sendable {
  /// The stage of the search; curves of one stage share a chart.
  public var stage: String
  /// The run within its stage, such as the name of a block or `validation`.
  public var name: String
  /// By ascending tokens; long series are thinned when they are drawn.
  public var points: [LossPoint]

  /// All values; what is not known yet is left out.
  public init(stage: String, name: String, points: [LossPoint]) {
    self.stage = stage
    self.name = name
    self.points = points
  }
}
