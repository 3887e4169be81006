/// What one stage of the search cost.
public struct StageCost: Codable, Hashable, Sendable {
  /// The name of the stage.
  public var stage: String
  /// Seconds on the clock.
  public var seconds: Double?
  /// Tokens that were trained on or scored.
  public var tokens: Int?
  /// Floating-point operations, an estimate from the shapes.
  public var flops: Double?
  /// Candidates that were scored.
  public var candidates: Int?

  /// All values; what is not known yet is left out.
  public init(
    stage: String, seconds: Double? = nil, tokens: Int? = nil, flops: Double? = nil,
    candidates: Int? = nil
  ) {
    self.stage = stage
    self.seconds = seconds
    self.tokens = tokens
    self.flops = flops
    self.candidates = candidates
  }
}
