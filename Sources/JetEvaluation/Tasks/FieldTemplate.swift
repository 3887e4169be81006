import JetText

/// A text with fields of a row in it: `Question: {question}\nAnswer:`.
///
/// `{a.b.0}` goes into objects and lists; `{{` and `}}` are braces.
struct FieldTemplate: Hashable, Sendable {
  private enum Part: Hashable, Sendable {
    case text(String)
    case field([String])
  }

  /// The template as it was written.
  let source: String
  private let parts: [Part]

  /// - Throws: ``EvaluationError`` for a brace that is not closed, or a field without a name.
  init(_ source: String) throws {
    self.source = source
    var parts: [Part] = []
    var text = ""
    var rest = Substring(source)
    while let next = rest.first {
      rest.removeFirst()
      if (next == "{" || next == "}") && rest.first == next {
        rest.removeFirst()
        text.append(next)
      } else if next == "{" {
        guard let end = rest.firstIndex(of: "}"), end != rest.startIndex else {
          throw EvaluationError(
            "the template \"\(shown(source))\" has a { without a name and }; write {field}, or {{ for "
              + "a brace")
        }
        if !text.isEmpty { parts.append(.text(text)) }
        text = ""
        let path = rest[..<end].split(separator: ".", omittingEmptySubsequences: false)
        parts.append(.field(path.map(String.init)))
        rest = rest[rest.index(after: end)...]
      } else if next == "}" {
        throw EvaluationError(
          "the template \"\(shown(source))\" has a } without {; write }} for a brace")
      } else {
        text.append(next)
      }
    }
    if !text.isEmpty { parts.append(.text(text)) }
    self.parts = parts
  }

  /// The text for a row.
  ///
  /// - Throws: ``EvaluationError`` for a field that the row does not have or that is no text or number.
  func text(_ row: DataRow) throws -> String {
    var result = ""
    for part in parts {
      switch part {
      case .text(let text): result += text
      case .field(let path):
        let value = try row.value(path)
        guard let text = Self.text(value) else {
          throw row.error(
            "the field \(shown(path.joined(separator: "."))) is no text or number, which the template "
              + "\"\(shown(source))\" expects")
        }
        result += text
      }
    }
    return result
  }

  /// The texts of the list that the template names, where it is a single field that is a list.
  func list(_ row: DataRow) throws -> [String]? {
    guard parts.count == 1, case .field(let path) = parts[0],
      case .list(let values) = try row.value(path)
    else { return nil }
    return try values.map { value in
      guard let text = Self.text(value) else {
        throw row.error(
          "the list \(shown(path.joined(separator: "."))) holds something that is no text or number"
        )
      }
      return text
    }
  }

  private static func text(_ value: TemplateValue) -> String? {
    switch value {
    case .string(let text): text
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .bool(let flag): "\(flag)"
    case .none, .list, .dictionary: nil
    }
  }
}
