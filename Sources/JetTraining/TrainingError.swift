public import Foundation

/// Training that cannot begin or go on: one sentence.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
  /// What was read or found, what was expected, what to do.
  public let description: String

  /// An error with the given sentence.
  public init(_ description: String) { self.description = description }
}

extension TrainingError: LocalizedError {
  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}
