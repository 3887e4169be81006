/// A model that cannot be built or run as asked: one sentence.
public struct ModelError: Error, CustomStringConvertible, Sendable {
  /// What was asked, what was expected, what to do.
  public let description: String

  /// An error with the given sentence.
  public init(_ description: String) { self.description = description }
}
