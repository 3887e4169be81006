import Foundation

/// A request that cannot be carried out: one sentence.
struct CommandError: LocalizedError, CustomStringConvertible, Equatable {
  /// What was read, what was expected, what to do.
  let description: String

  init(_ description: String) { self.description = description }

  var errorDescription: String? { description }
}
