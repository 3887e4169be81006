import Foundation
import Yams

/// Reads the YAML of a task.
enum TaskFile {
  /// The largest file that is read; a task is a page, and YAML may be hostile.
  private static let maximumBytes = 1 << 20

  /// The text of a file.
  static func text(_ path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw EvaluationError("\(path) cannot be read; give the path of a task's YAML file.")
    }
    guard data.count <= maximumBytes, let text = String(data: data, encoding: .utf8) else {
      throw EvaluationError(
        "\(path) is larger than 1 MiB or not UTF-8; expected the YAML file of a task.")
    }
    return text
  }

  /// The keys and values of a text that `file` names in messages.
  static func mapping(_ text: String, file: String) throws -> TaskFileMapping {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      let lines = "\(error)".split(separator: "\n").map(String.init)
      throw EvaluationError("\(file) is not YAML: \(shown(lines.joined(separator: " "))).")
    }
    guard case .mapping(let mapping)? = root else {
      throw EvaluationError(
        "\(file): expected keys and values, such as `kind: multiple_choice`.")
    }
    return TaskFileMapping(mapping, file: file, prefix: "")
  }
}

/// The keys of a mapping, each taken once; what is left over is unknown.
struct TaskFileMapping {
  let file: String
  private let prefix: String
  private let line: Int?
  private var left: [(key: String, value: Node)] = []

  init(_ mapping: Node.Mapping, file: String, prefix: String) {
    self.file = file
    self.prefix = prefix
    line = mapping.mark?.line
    for (key, value) in mapping {
      // A key that is a list or a mapping is unknown in any case.
      left.append((key.scalar?.string ?? "?", value))
    }
  }

  /// An error about a key.
  func error(_ key: String, _ fault: String, _ node: Node? = nil) -> EvaluationError {
    let place = (node?.mark?.line ?? line).map { ", line \($0)" } ?? ""
    return EvaluationError("\(file)\(place): \(prefix)\(key) \(fault).")
  }

  private mutating func take(_ key: String) -> Node? {
    guard let place = left.firstIndex(where: { $0.key == key }) else { return nil }
    return left.remove(at: place).value
  }

  /// A text, a number or a truth value, as a text; nil where the key is absent.
  mutating func text(_ key: String) throws -> String? {
    guard let node = take(key) else { return nil }
    guard case .scalar(let scalar) = node else {
      throw error(key, "is a list or has keys of its own; expected a text", node)
    }
    return scalar.string
  }

  /// A text that has to be there.
  mutating func required(_ key: String) throws -> String {
    guard let text = try text(key) else {
      throw error(key, "is missing; add it (docs/evaluation.md has the keys)")
    }
    return text
  }

  /// A list of texts, or one text.
  mutating func texts(_ key: String) throws -> [String]? {
    guard let node = take(key) else { return nil }
    switch node {
    case .scalar(let scalar): return [scalar.string]
    case .sequence(let sequence):
      return try sequence.map { element in
        guard case .scalar(let scalar) = element else {
          throw error(key, "holds something that is no text", element)
        }
        return scalar.string
      }
    default: throw error(key, "has keys of its own; expected a text or a list of texts", node)
    }
  }

  /// A whole number in a range.
  mutating func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int? {
    guard let text = try text(key) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw error(
        key,
        "is \(shown(text)); expected a whole number from \(range.lowerBound) to \(range.upperBound)"
      )
    }
    return number
  }

  /// One of some names.
  mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Value.Type = Value.self
  ) throws -> Value? where Value.RawValue == String {
    guard let text = try text(key) else { return nil }
    guard let value = Value(rawValue: text) else {
      let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw error(key, "is \(shown(text)); expected one of \(names)")
    }
    return value
  }

  /// A template.
  mutating func template(_ key: String) throws -> FieldTemplate? {
    try text(key).map { try template(key, $0) }
  }

  /// Templates, one or several.
  mutating func templates(_ key: String) throws -> [FieldTemplate]? {
    try texts(key)?.map { try template(key, $0) }
  }

  private func template(_ key: String, _ text: String) throws -> FieldTemplate {
    do {
      return try FieldTemplate(text)
    } catch let fault as EvaluationError {
      throw error(key, "is wrong: \(fault.description)")
    }
  }

  /// The mapping under a key.
  mutating func mapping(_ key: String) throws -> TaskFileMapping? {
    guard let node = take(key) else { return nil }
    guard case .mapping(let mapping) = node else {
      throw error(key, "is no mapping; expected keys of its own", node)
    }
    return TaskFileMapping(mapping, file: file, prefix: "\(prefix)\(key).")
  }

  /// Refuses keys that nothing asked for.
  func finish(known: [String]) throws {
    guard let first = left.first else { return }
    throw error(
      shown(first.key),
      "is unknown or given twice; the keys here are \(known.joined(separator: ", "))",
      first.value)
  }
}
