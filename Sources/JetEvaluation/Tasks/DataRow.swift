import Foundation
import JetFormats
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

  /// The most that packed rows may be: read, they take a multiple of it.
  private static let maximumBytes = 512 << 20

  /// All lines of a file, packed or not; empty ones are passed over.
  ///
  /// - Throws: ``EvaluationError`` naming the file, and the line where one is malformed.
  static func read(_ path: String) throws -> [DataRow] {
    do {
      return try Compression.withPlainBytes(of: URL(filePath: path), maximumBytes: maximumBytes) {
        try rows($0, of: path)
      }
    } catch let error as FormatError where error.fault == .emptyFile {
      return []
    } catch let error as FormatError where error.fault == .missingFile {
      throw EvaluationError(
        "\(path) is absent; check the path, and run `make setup-eval` for the built-in tasks.")
    } catch let error as FormatError {
      throw EvaluationError(error.description)
    }
  }

  private static func rows(
    _ bytes: UnsafeRawBufferPointer, of path: String
  ) throws -> [DataRow] {
    var rows: [DataRow] = []
    try bytes.forEachLine { number, line in
      if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return }
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
