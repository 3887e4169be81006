/// What mixes the tokens of a layer.
public enum LayerChoice: String, Codable, Hashable, Sendable, CaseIterable {
  /// The teacher's attention, to all tokens.
  case full
  /// The teacher's attention, to a window of tokens.
  case window
  /// A linear mixer.
  case linear

  /// One letter, as in a placement's ``Placement/key``.
  public var letter: Character {
    switch self {
    case .full: "F"
    case .window: "W"
    case .linear: "L"
    }
  }

  /// The choice of a letter; nil for any other.
  public init?(letter: Character) {
    guard let choice = Self.allCases.first(where: { $0.letter == letter }) else { return nil }
    self = choice
  }
}
