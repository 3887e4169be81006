public import Foundation

/// A checkpoint that cannot be read or written: one sentence that names the file and the fault.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
  /// What was read, what was expected, what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}

extension CheckpointError: LocalizedError {
  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}

/// A text from a file as messages show it: without control characters and not long, since files may be hostile and
/// messages go to terminals.
func shown(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == 80 {
      result.append("…")
      break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
      result.append("\u{FFFD}")
    default: result.append(scalar)
    }
  }
  return String(result)
}
