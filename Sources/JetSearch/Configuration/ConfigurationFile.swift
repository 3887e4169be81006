import Foundation
import Yams

/// Values that a YAML file gives over their defaults.
///
/// Keys are words joined by underscores: `beamWidth` is `beam_width` in a file and in messages.
enum ConfigurationFile {
  /// The largest file that is read; a configuration is a page.
  private static let maximumBytes = 1 << 20

  /// The text of a file.
  ///
  /// - Throws: ``SearchError`` when it cannot be read.
  static func text(_ path: String) throws(SearchError) -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SearchError("\(path) cannot be read; give the path of a configuration in YAML")
    }
    guard data.count <= maximumBytes, let text = String(data: data, encoding: .utf8) else {
      throw SearchError("\(path) is larger than 1 MiB or not UTF-8; expected a page of YAML")
    }
    return text
  }

  /// The values of `yaml`, and those of `defaults` where it is silent.
  ///
  /// - Parameter file: what messages call the text.
  /// - Throws: ``SearchError`` with file and line for a key that is not known and for a value of another kind.
  static func values<Value: Codable>(
    _ yaml: String, over defaults: Value, file: String
  ) throws -> Value {
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      let fault = "\(error)".split(separator: "\n").first.map(String.init) ?? "its syntax"
      throw SearchError("\(file) is not YAML: \(fault.prefix(120)); mend that place")
    }
    guard let root, case .mapping = root else {
      throw SearchError("\(file) holds no keys and values; expected lines such as 'teacher: MODEL'")
    }
    let given = try ConfigurationNode(root, file: file, path: "")
    let merged = overlay(given.json, on: try tree(defaults))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let value: Value
    do {
      value = try decoder.decode(
        Value.self, from: JSONSerialization.data(withJSONObject: merged, options: []))
    } catch let error as DecodingError {
      throw SearchError(given.sentence(of: error))
    }
    // Whatever was given and does not come back was not read.
    if let unknown = unknownKey(given.json, in: try tree(value), path: "") {
      throw SearchError(
        "\(given.place(unknown)): the key '\(unknown)' is not known; remove or mend it")
    }
    return value
  }

  /// All values as JSON, which is YAML too: keys sorted, words joined by underscores.
  static func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  /// A text cut in two: the values under a key, and all else; lines keep their numbers.
  ///
  /// - Throws: ``SearchError`` when the key is absent.
  static func separate(
    _ yaml: String, key: String, file: String
  ) throws(SearchError) -> (own: String, rest: String) {
    var (own, rest): ([String], [String]) = ([], [])
    var (isInside, isFound) = (false, false)
    for line in yaml.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("\(key):") {
        (isInside, isFound) = (true, true)
        // What stands behind the colon stays in its column: `key: {a: 1}`.
        own.append(String(repeating: " ", count: key.count + 1) + line.dropFirst(key.count + 1))
        rest.append("")
        continue
      }
      if let first = line.first, !first.isWhitespace, first != "#" { isInside = false }
      own.append(isInside ? String(line) : "")
      rest.append(isInside ? "" : String(line))
    }
    guard isFound else {
      throw SearchError("\(file) has no '\(key)'; add it with its keys indented below")
    }
    return (own.joined(separator: "\n"), rest.joined(separator: "\n"))
  }

  private static func tree(_ value: some Encodable) throws -> Any {
    try JSONSerialization.jsonObject(with: json(value), options: [.fragmentsAllowed])
  }

  private static func overlay(_ given: Any, on defaults: Any) -> Any {
    guard let given = given as? [String: Any], var merged = defaults as? [String: Any] else {
      return given
    }
    for (key, value) in given {
      if value is NSNull {
        // Nothing in place of a default.
        merged[key] = nil
      } else {
        merged[key] = merged[key].map { overlay(value, on: $0) } ?? value
      }
    }
    return merged
  }

  private static func unknownKey(_ given: Any, in known: Any, path: String) -> String? {
    if let given = given as? [String: Any] {
      guard let known = known as? [String: Any] else { return path }
      for (key, value) in given.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
        let inner = path.isEmpty ? key : "\(path).\(key)"
        guard let own = known[key] else { return inner }
        if let found = unknownKey(value, in: own, path: inner) { return found }
      }
    } else if let given = given as? [Any], let known = known as? [Any], given.count == known.count {
      for (index, pair) in zip(given, known).enumerated() {
        let inner = "\(path)[\(index)]"
        if let found = unknownKey(pair.0, in: pair.1, path: inner) { return found }
      }
    }
    return nil
  }
}

/// A text of YAML as plain values, with the line of each.
private struct ConfigurationNode {
  let json: Any
  private let file: String
  private var lines: [String: Int] = [:]

  init(_ node: Node, file: String, path: String) throws {
    self.file = file
    var lines: [String: Int] = [:]
    json = try Self.value(node, file, path, &lines)
    self.lines = lines
  }

  private static func value(
    _ node: Node, _ file: String, _ path: String, _ lines: inout [String: Int]
  ) throws -> Any {
    lines[path] = node.mark?.line
    switch node {
    case .mapping(let mapping):
      var members: [String: Any] = [:]
      for (key, own) in mapping {
        let name = key.scalar?.string ?? "?"
        let inner = path.isEmpty ? name : "\(path).\(name)"
        members[name] = try value(own, file, inner, &lines)
        lines[inner] = key.mark?.line
      }
      return members
    case .sequence(let sequence):
      return try sequence.enumerated().map { index, own in
        try value(own, file, "\(path)[\(index)]", &lines)
      }
    case .scalar(let scalar):
      guard scalar.style == .plain || scalar.style == .any else { return scalar.string }
      if node.null != nil { return NSNull() }
      if let bool = node.bool { return bool }
      if let int = node.int, int >= 0 { return int }
      let digits = scalar.string.drop { "+-".contains($0) }
      let isTooLong = digits.allSatisfy("0123456789".contains) && Int(digits) == nil
      if node.int != nil || (isTooLong && !digits.isEmpty) {
        throw SearchError(
          "\(file), line \(node.mark?.line ?? 0): '\(path)' is \(scalar.string.prefix(40)); give a number "
            + "from 0 to \(Int.max)")
      }
      // YAML 1.1 takes 3e-05 for a text; JSON, and whoever writes it, for a number.
      let isNumber = scalar.string.first.map { "+-.0123456789".contains($0) } ?? false
      if let number = node.float ?? (isNumber ? Double(scalar.string) : nil) {
        guard number.isFinite else {
          throw SearchError(
            "\(file), line \(node.mark?.line ?? 0): '\(path)' is no number that can be used")
        }
        return number
      }
      return scalar.string
    case .alias:
      throw SearchError("\(file): '\(path)' is an alias; write the value out")
    }
  }

  /// The file and the line of a key, or of what holds it.
  func place(_ path: String) -> String {
    var path = path
    while !path.isEmpty {
      if let line = lines[path] { return "\(file), line \(line)" }
      guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
      path = String(path[..<cut])
    }
    return file
  }

  /// The place and the fault, without Swift's types.
  func sentence(of error: DecodingError) -> String {
    func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + (last.map { [$0] } ?? [])).reduce("") { path, key in
        if let index = key.intValue { return "\(path)[\(index)]" }
        let name = snakeCase(key.stringValue)
        return path.isEmpty ? name : "\(path).\(name)"
      }
    }
    switch error {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let path = path(context)
      return "\(place(path)): '\(path)' has a value of the wrong kind; expected \(words(type))"
    case .keyNotFound(let key, let context):
      let path = path(context, key)
      return "\(place(path)): '\(path)' is missing; add it"
    // The decoder does not say which number it refuses.
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      return
        "\(file) has a number with a fraction, or one above \(Int.max), where a whole number is "
        + "expected; mend it"
    case .dataCorrupted(let context):
      let path = path(context)
      return
        "\(place(path)): '\(path)' has a value that is not possible; \(context.debugDescription)"
    @unknown default: return "\(file) cannot be read; compare it with docs/postnas.md"
    }
  }

  private func words(_ type: Any.Type) -> String {
    switch type {
    case is Int.Type, is UInt64.Type: "a whole number"
    case is Double.Type: "a number"
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is any Collection.Type where !(type is [String: Any].Type): "a list"
    default: "keys and values"
    }
  }
}

/// `beamWidth` as `beam_width`.
func snakeCase(_ name: String) -> String {
  name.reduce(into: "") { result, character in
    if character.isUppercase {
      result += "_" + character.lowercased()
    } else {
      result.append(character)
    }
  }
}
