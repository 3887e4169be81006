/// A choice for each layer of a model.
public struct Placement: Hashable, Sendable, CustomStringConvertible {
  /// From the first layer to the last.
  public var choices: [LayerChoice]

  /// A placement with a choice for each layer.
  public init(_ choices: [LayerChoice]) { self.choices = choices }

  /// A placement of `count` layers with one choice everywhere.
  public init(repeating choice: LayerChoice, count: Int) {
    choices = Array(repeating: choice, count: count)
  }

  /// A letter a layer: `LLFLLW`. Nil for any other text.
  public init?(key: String) {
    let choices = key.map(LayerChoice.init(letter:))
    guard !choices.isEmpty, choices.allSatisfy({ $0 != nil }) else { return nil }
    self.choices = choices.compactMap(\.self)
  }

  /// A letter a layer: `LLFLLW`.
  public var key: String { String(choices.map(\.letter)) }

  /// The layers with a choice, ascending, counted from 0.
  public func layers(_ choice: LayerChoice) -> [Int] {
    choices.indices.filter { choices[$0] == choice }
  }

  /// The placement with another choice in some layers.
  public func replacing(_ layers: some Sequence<Int>, by choice: LayerChoice) -> Placement {
    var result = self
    for layer in layers { result.choices[layer] = choice }
    return result
  }

  /// The key.
  public var description: String { key }
}

extension Placement: Codable {
  /// From its key.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let key = try container.decode(String.self)
    guard let placement = Placement(key: key) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(key)' is no placement; expected letters F, W and L")
    }
    self = placement
  }

  /// As its key.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(key)
  }
}
