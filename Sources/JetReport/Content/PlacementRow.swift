/// The best placement that one strategy found for one objective and one size.
public struct PlacementRow: Codable, Hashable, Sendable {
  /// What the placement was judged by.
  public var objective: String
  /// How it was looked for, such as `beam`; rows named ``PlacementRow/uniformStrategy`` are the comparison.
  public var strategy: String
  /// What was placed: `full` or `window`.
  public var placed: String
  /// In how many layers.
  public var count: Int
  /// A letter a layer: F full attention, W attention to a window, L linear.
  public var placement: String
  /// Its score, greater is better.
  public var score: Estimate
  /// `score − score of uniform`, item by item; nil for uniform itself.
  public var differenceToUniform: Estimate?

  /// All values; what is not known yet is left out.
  public init(
    objective: String, strategy: String, placed: String = "full", count: Int, placement: String,
    score: Estimate, differenceToUniform: Estimate? = nil
  ) {
    self.objective = objective
    self.strategy = strategy
    self.placed = placed
    self.count = count
    self.placement = placement
    self.score = score
    self.differenceToUniform = differenceToUniform
  }

  /// The name of the strategy that spaces the layers evenly.
  public static let uniformStrategy = "uniform"
}
