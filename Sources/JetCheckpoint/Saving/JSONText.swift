/// A JSON value that is written with its keys in the given order.
enum JSONText {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list([JSONText])
  case object([(String, JSONText)])

  /// The text, indented by one space a level as transformers' own files.
  ///
  /// Numbers are written in the shortest form that reads back to the same bits.
  func written(indentation: Int = 0) -> String {
    let inner = String(repeating: " ", count: indentation + 1)
    let outer = String(repeating: " ", count: indentation)
    func block(_ open: String, _ lines: [String], _ close: String) -> String {
      guard !lines.isEmpty else { return open + close }
      return "\(open)\n\(inner)\(lines.joined(separator: ",\n\(inner)"))\n\(outer)\(close)"
    }
    switch self {
    case .null: return "null"
    case .bool(let flag): return "\(flag)"
    case .integer(let number): return "\(number)"
    case .number(let number): return "\(number)"
    case .string(let text): return Self.quoted(text)
    case .list(let values):
      return block("[", values.map { $0.written(indentation: indentation + 1) }, "]")
    case .object(let members):
      let lines = members.map {
        "\(Self.quoted($0)): \($1.written(indentation: indentation + 1))"
      }
      return block("{", lines, "}")
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\u{00}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
