public import Foundation

/// Why bytes could not be read as JSON.
public struct TemplateJSONError: Error, Sendable, Hashable {
  /// The offset of the byte where reading stopped.
  public let offset: Int
  /// What was expected there.
  public let reason: String
}

extension TemplateJSONError: LocalizedError, CustomStringConvertible {
  /// One sentence with the place and the reason.
  public var description: String { "JSON, byte \(offset): \(reason)." }
  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}
