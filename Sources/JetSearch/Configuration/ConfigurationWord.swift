/// A value of a configuration that is one of a few words.
public protocol ConfigurationWord: RawRepresentable, CaseIterable, Codable, Hashable, Sendable
where RawValue == String {}

extension ConfigurationWord {
  /// Reads a word.
  ///
  /// - Throws: `DecodingError` whose description names the words that there are.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let word = Self(rawValue: try container.decode(String.self)) else {
      let words = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "give one of \(words)")
    }
    self = word
  }
}
