/// How much each layer matters to one objective.
public struct LayerImportance: Codable, Hashable, Sendable {
  /// What the layers are judged by, such as `retrieval`.
  public var objective: String
  /// One a layer, from the first to the last: what the objective gains when that layer alone keeps full
  /// attention, or loses when it alone is replaced. Compared within one objective only.
  public var layers: [Estimate]

  /// All values; what is not known yet is left out.
  public init(objective: String, layers: [Estimate]) {
    self.objective = objective
    self.layers = layers
  }
}
