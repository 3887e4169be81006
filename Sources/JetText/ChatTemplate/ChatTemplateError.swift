public import Foundation

/// Why a chat template could not be read or rendered, and on which of its lines.
public struct ChatTemplateError: Error, Sendable, Hashable {
  /// The families of failures.
  public enum Kind: String, Sendable, Hashable {
    /// The source is not a template that this interpreter reads.
    case syntax
    /// A filter or test of that name does not exist.
    case unknownName
    /// A value that was never defined was used for more than printing or asking.
    case undefinedValue
    /// An operation got a value of a kind that it does not take.
    case invalidOperation
    /// The template itself refused the conversation through `raise_exception`.
    case raised
    /// A bound of ``TemplateLimits`` was reached.
    case limitExceeded
  }

  /// The family of this failure.
  public let kind: Kind
  /// The line of the template, counted from 1.
  public let line: Int
  /// What was found and expected; for ``Kind/raised`` the template's own message.
  public let reason: String

  init(_ kind: Kind, line: Int, _ reason: String) {
    self.kind = kind
    self.line = line
    self.reason = excerpt(reason, count: 2000)
  }
}

extension ChatTemplateError: LocalizedError, CustomStringConvertible {
  /// One sentence with the line and the reason.
  public var description: String {
    switch kind {
    case .raised: "Chat template, line \(line): the template refused the conversation: \(reason)"
    default: "Chat template, line \(line): \(reason)."
    }
  }

  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}

/// Returns the text, cut to `count` scalars so that messages stay readable.
func excerpt(_ text: String, count: Int = 80) -> String {
  let scalars = text.unicodeScalars
  guard let end = scalars.index(scalars.startIndex, offsetBy: count, limitedBy: scalars.endIndex),
    end < scalars.endIndex
  else { return text }
  return String(scalars[..<end]) + "…"
}
