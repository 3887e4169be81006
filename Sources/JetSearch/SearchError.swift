/// Why a search cannot begin or go on, in one sentence for the user.
public struct SearchError: Error, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// An error with its sentence.
  public init(_ description: String) { self.description = description }
}
