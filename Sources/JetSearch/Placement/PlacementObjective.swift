/// What a placement is judged by.
public protocol PlacementObjective: AnyObject {
  /// Names all that the observations depend on beside the placement: weights, items, metric. Scores are kept under it.
  var identity: String { get }

  /// One observation an item, greater is better; the same items in the same order for every placement.
  func observations(of placement: Placement) throws -> [Double]
}
