import Foundation
import JetText

/// The values of a JSON file such as `config.json`, typed, and the keys that nobody has asked for.
///
/// The JSON is read by JetText's parser rather than Foundation's: it is bounded in depth and tells `true` from 1.
struct ConfigurationReader {
  let file: String
  private let values: TemplateDictionary
  private let unread: Keys

  private final class Keys {
    var names: Set<String>
    init(_ names: Set<String>) { self.names = names }
  }

  /// - Throws: ``CheckpointError`` when the data is no JSON object.
  init(_ data: Data, file: String) throws {
    let parsed: TemplateValue
    do {
      parsed = try TemplateValue(json: data)
    } catch let error as TemplateJSONError {
      throw CheckpointError(
        "\(file) is not valid JSON: \(error.reason) at byte \(error.offset); get the file again")
    }
    guard case .dictionary(let values) = parsed else {
      throw CheckpointError(
        "\(file) holds \(Self.summary(parsed)); expected a JSON object; get the file again")
    }
    self.init(values, file: file)
  }

  private init(_ values: TemplateDictionary, file: String) {
    self.values = values
    self.file = file
    unread = Keys(Set(values.keys))
  }

  /// Whether `key` is there with a value that is not null.
  func has(_ key: String) -> Bool { present(key) != nil }

  /// Whether the value of `key` is an object.
  func isObject(_ key: String) -> Bool {
    if case .dictionary = present(key) { true } else { false }
  }

  /// Whether the value of `key` is a list.
  func isList(_ key: String) -> Bool {
    if case .list = present(key) { true } else { false }
  }

  /// Counts `keys` as read: they do not change what the model computes.
  func ignore(_ keys: some Sequence<String>) { unread.names.subtract(keys) }

  func string(_ key: String) throws -> String? { try read(key, "a text", Self.string) }

  func integer(_ key: String) throws -> Int? { try read(key, "a whole number", Self.integer) }

  /// A finite number; also one written as a text, as the released Jet-Nemotron configurations do.
  func double(_ key: String) throws -> Double? {
    try read(key, "a number") { value in
      let number: Double? =
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        case .string(let text): Double(text)
        default: nil
        }
      return number.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  /// A number above zero, and below what any model has.
  func positive(_ key: String) throws -> Double? {
    guard let number = try double(key) else { return nil }
    guard number > 0, number <= 1e9 else {
      throw CheckpointError("\(file) sets \(key) to \(number); expected a number above 0")
    }
    return number
  }

  func bool(_ key: String) throws -> Bool? {
    try read(key, "true or false") { value in
      if case .bool(let flag) = value { flag } else { nil }
    }
  }

  func strings(_ key: String) throws -> [String]? {
    try read(key, "a list of texts") { Self.list($0, of: Self.string) }
  }

  /// A whole number or a list of them.
  func integers(_ key: String) throws -> [Int]? {
    try read(key, "a whole number or a list of them") { value in
      Self.integer(value).map { [$0] } ?? Self.list(value, of: Self.integer)
    }
  }

  func object(_ key: String) throws -> ConfigurationReader? {
    try read(key, "an object") { object($0, path: key) }
  }

  func objects(_ key: String) throws -> [ConfigurationReader]? {
    try read(key, "a list of objects") { value in
      Self.list(value) { object($0, path: key) }
    }
  }

  /// The value that must be there.
  func required<Value>(_ key: String, _ value: Value?) throws -> Value {
    guard let value else {
      throw CheckpointError(
        "\(file) does not name \(key), which the model needs; get the file again")
    }
    return value
  }

  /// Refuses a value that would change what the model computes in a way that Jet does not know.
  func expect(_ key: String, _ isAccepted: Bool?, _ supported: String) throws {
    guard isAccepted ?? true else {
      throw CheckpointError(
        "\(file) sets \(key) to \(Self.summary(values[key] ?? .none)); Jet runs \(supported) only")
    }
  }

  /// - Throws: ``CheckpointError`` naming a key that nobody knows.
  func finish() throws {
    guard let key = unread.names.sorted().first else { return }
    throw CheckpointError(
      "\(file) sets \(shown(key)), which Jet does not know and which may change what the model "
        + "computes; remove it if it does not")
  }

  private func present(_ key: String) -> TemplateValue? {
    guard let value = values[key] else { return nil }
    if case .none = value { return nil }
    return value
  }

  private func read<Value>(
    _ key: String, _ expected: String, _ convert: (TemplateValue) -> Value?
  ) throws -> Value? {
    unread.names.remove(key)
    guard let value = present(key) else { return nil }
    guard let converted = convert(value) else {
      throw CheckpointError("\(file) sets \(key) to \(Self.summary(value)); expected \(expected)")
    }
    return converted
  }

  private func object(_ value: TemplateValue, path: String) -> ConfigurationReader? {
    guard case .dictionary(let members) = value else { return nil }
    return ConfigurationReader(members, file: "\(file), \(path)")
  }

  private static func string(_ value: TemplateValue) -> String? {
    if case .string(let text) = value { text } else { nil }
  }

  private static func integer(_ value: TemplateValue) -> Int? {
    switch value {
    case .int(let number): number
    case .double(let number): Int(exactly: number)
    default: nil
    }
  }

  private static func list<Element>(
    _ value: TemplateValue, of convert: (TemplateValue) -> Element?
  ) -> [Element]? {
    guard case .list(let values) = value else { return nil }
    let converted = values.compactMap(convert)
    return converted.count == values.count ? converted : nil
  }

  private static func summary(_ value: TemplateValue) -> String {
    switch value {
    case .none: "null"
    case .bool(let flag): "\(flag)"
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let text): "\"\(shown(text))\""
    case .list(let values): "a list of \(values.count)"
    case .dictionary(let members): "an object of \(members.count)"
    }
  }
}
