/// Rates and bytes of a model at one context.
public struct ContextPoint: Codable, Hashable, Sendable {
  /// Tokens that the model has read.
  public var context: Int
  /// Tokens a second while the context is read.
  public var prefillTokensPerSecond: Estimate?
  /// Tokens a second while a text is written behind it.
  public var decodeTokensPerSecond: Estimate?
  /// Bytes of all that the model keeps of one sequence.
  public var cacheBytes: Int?

  /// All values; what is not known yet is left out.
  public init(
    context: Int, prefillTokensPerSecond: Estimate? = nil, decodeTokensPerSecond: Estimate? = nil,
    cacheBytes: Int? = nil
  ) {
    self.context = context
    self.prefillTokensPerSecond = prefillTokensPerSecond
    self.decodeTokensPerSecond = decodeTokensPerSecond
    self.cacheBytes = cacheBytes
  }
}

/// Rates and bytes of a model against the context.
public struct ContextCurve: Codable, Hashable, Sendable {
  /// The name of the model.
  public var model: String
  /// What it is.
  public var role: ModelRole
  /// By ascending context.
  public var points: [ContextPoint]

  /// All values; what is not known yet is left out.
  public init(model: String, role: ModelRole, points: [ContextPoint]) {
    self.model = model
    self.role = role
    self.points = points
  }
}
