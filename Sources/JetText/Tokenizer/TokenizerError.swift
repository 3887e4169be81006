public import Foundation

/// Why a tokenizer could not be made from the files or values that were given.
public enum TokenizerError: Error, Equatable, Sendable {
  /// A file is absent or cannot be read.
  case unreadable(file: String, reason: String)
  /// A file is not the JSON or the text that it should be.
  case malformed(file: String, reason: String)
  /// A value has the wrong type, is out of range or contradicts another one.
  case invalid(file: String, key: String, found: String, expected: String)
  /// A setting that is legal elsewhere but that this tokenizer does not carry out.
  case unsupported(file: String, key: String, found: String, supported: String)
}

extension TokenizerError: CustomStringConvertible {
  /// One sentence: what was read, what was found and what was expected.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file) cannot be read: \(reason)."
    case .malformed(let file, let reason):
      "\(file) is malformed: \(reason); download or export it again."
    case .invalid(let file, let key, let found, let expected):
      "\(file): \(key) is \(found), but \(expected) was expected; correct the file or export it again."
    case .unsupported(let file, let key, let found, let supported):
      "\(file): \(key) is \(found), which is not supported; supported here: \(supported)."
    }
  }
}

extension TokenizerError: LocalizedError {
  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}
