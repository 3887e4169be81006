/// A question to a search: which `count` of the free layers should have a choice, all others staying as they are?
public struct PlacementProblem: Codable, Hashable, Sendable {
  /// What all layers have before the search.
  public var base: Placement
  /// What is placed.
  public var choice: LayerChoice
  /// In how many layers.
  public var count: Int
  /// The layers that may get it, ascending.
  public var free: [Int]

  /// A problem with all its values; by default every layer that is linear in `base` is free.
  ///
  /// - Throws: ``SearchError`` when it has no solution.
  public init(
    base: Placement, choice: LayerChoice, count: Int, free: [Int]? = nil
  ) throws(SearchError) {
    self.base = base
    self.choice = choice
    self.count = count
    self.free = (free ?? base.layers(.linear)).sorted()
    guard self.free.allSatisfy(base.choices.indices.contains) else {
      throw SearchError(
        "the layers \(self.free) are to be searched in a model of \(base.choices.count); "
          + "name layers from 0 to \(base.choices.count - 1)")
    }
    guard Set(self.free).count == self.free.count else {
      throw SearchError("the free layers \(self.free) name one twice; name each once")
    }
    let taken = self.free.filter { base.choices[$0] == choice }
    guard taken.isEmpty else {
      throw SearchError(
        "the layers \(taken) are to be searched, but are \(choice.rawValue) in the base \(base) already; "
          + "leave them out")
    }
    guard (0...self.free.count).contains(count) else {
      throw SearchError(
        "\(count) layers are to be \(choice.rawValue), but \(self.free.count) are free; "
          + "ask for at most that many")
    }
  }

  /// The candidate that has the choice in `layers`.
  public func placing(_ layers: some Sequence<Int>) -> Placement {
    base.replacing(layers, by: choice)
  }
}
