import Foundation
import JetText

/// One line of a file of JSON lines.
struct DataRow: Sendable {
  let file: String
  /// From 1.
  let line: Int
  let fields: TemplateDictionary

  /// The value at a path of keys and places.
  ///
  /// - Throws: ``EvaluationError`` that names the line and what there is instead.
  func value(_ path: [String]) throws -> TemplateValue {
    var value = TemplateValue.dictionary(fields)
    for step in path {
      switch value {
      case .dictionary(let dictionary):
        guard let next = dictionary[step] else {
          throw error(
            "there is no field \(shown(path.joined(separator: "."))); it has "
              + shown(dictionary.keys.joined(separator: ", ")))
        }
        value = next
      case .list(let list):
        guard let place = Int(step), list.indices.contains(place) else {
          throw error(
            "\(shown(path.joined(separator: "."))) asks for \(shown(step)) of a list of \(list.count)"
          )
        }
        value = list[place]
      default:
        throw error("\(shown(path.joined(separator: "."))) goes into something that has no fields")
      }
    }
    return value
  }

  /// An error about this line.
  func error(_ fault: String) -> EvaluationError {
    EvaluationError("\(file), line \(line): \(fault); mend the line or the task.")
  }

  /// All lines of a file; empty ones are passed over.
  ///
  /// - Throws: ``EvaluationError`` naming the file, and the line where one is malformed.
  static func read(_ path: String) throws -> [DataRow] {
    for ending in [".gz", ".zst"] where path.hasSuffix(ending) {
      throw EvaluationError(
        "\(path) is compressed and tasks are read as plain JSON lines; unpack it first (gzip -dk or "
          + "zstd -d).")
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
    } catch {
      throw EvaluationError(
        "\(path) cannot be read (\(error.localizedDescription)); check the path, and run `make "
          + "setup-eval` for the built-in tasks.")
    }
    var rows: [DataRow] = []
    var number = 0
    for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
      let value: TemplateValue
      do {
        value = try TemplateValue(json: Data(line))
      } catch {
        throw EvaluationError("\(path), line \(number): \(error)")
      }
      guard case .dictionary(let fields) = value else {
        throw EvaluationError(
          "\(path), line \(number): expected a JSON object with fields, such as {\"question\": \"…\"}."
        )
      }
      rows.append(DataRow(file: path, line: number, fields: fields))
    }
    return rows
  }
}
