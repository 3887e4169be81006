public import Foundation

/// A task or a model that cannot be evaluated: one sentence that names the file or value and the fault.
public struct EvaluationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What was read, what was expected, what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}

extension EvaluationError: LocalizedError {
  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}

/// A text from a file as messages show it: without control characters and not long.
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
