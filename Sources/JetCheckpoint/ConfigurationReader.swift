import Foundation

/// The values of a `config.json`, typed, and the keys that nobody has asked for.
struct ConfigurationReader {
  let file: String
  private let values: [String: Any]
  private let unread: Keys

  private final class Keys {
    var names: Set<String>
    init(_ names: Set<String>) { self.names = names }
  }

  /// - Throws: ``CheckpointError`` when the data is no JSON object.
  init(_ data: Data, file: String) throws {
    let parsed: Any
    do {
      parsed = try JSONSerialization.jsonObject(with: data)
    } catch {
      throw CheckpointError("\(file) is not valid JSON; expected the configuration of a model")
    }
    guard let values = parsed as? [String: Any] else {
      throw CheckpointError("\(file) is not a JSON object; expected the configuration of a model")
    }
    self.init(values, file: file)
  }

  private init(_ values: [String: Any], file: String) {
    self.values = values
    self.file = file
    unread = Keys(Set(values.keys))
  }

  /// Keys that have not been read, in order.
  var unreadKeys: [String] { unread.names.sorted() }

  /// Whether `key` is there with a value that is not null.
  func has(_ key: String) -> Bool { values[key] != nil && !(values[key] is NSNull) }

  /// Counts `keys` as read: they do not change what the model computes.
  func ignore(_ keys: [String]) { unread.names.subtract(keys) }

  func string(_ key: String) throws -> String? { try read(key, "a text") { $0 as? String } }

  func integer(_ key: String) throws -> Int? {
    try read(key, "a whole number") { value in
      number(value).flatMap { Int(exactly: $0) }
    }
  }

  /// A number; also one written as a text, as the released Jet-Nemotron configurations do.
  func double(_ key: String) throws -> Double? {
    try read(key, "a number") { value in
      (value as? String).flatMap(Double.init) ?? number(value)
    }
  }

  func bool(_ key: String) throws -> Bool? {
    try read(key, "true or false") { value in
      (value as? NSNumber).flatMap { CFBooleanCheck.isBoolean($0) ? $0.boolValue : nil }
    }
  }

  func strings(_ key: String) throws -> [String]? {
    try read(key, "a list of texts") { $0 as? [String] }
  }

  /// A whole number or a list of them.
  func integers(_ key: String) throws -> [Int]? {
    try read(key, "a whole number or a list of them") { value in
      if let one = number(value).flatMap({ Int(exactly: $0) }) { return [one] }
      guard let list = value as? [Any] else { return nil }
      let numbers = list.compactMap { number($0).flatMap { Int(exactly: $0) } }
      return numbers.count == list.count ? numbers : nil
    }
  }

  func object(_ key: String) throws -> ConfigurationReader? {
    try read(key, "an object") { value in
      (value as? [String: Any]).map { ConfigurationReader($0, file: "\(file), \(key)") }
    }
  }

  /// The value that must be there.
  func required<Value>(_ key: String, _ value: Value?) throws -> Value {
    guard let value else {
      throw CheckpointError("\(file) does not name \(key), which the model needs")
    }
    return value
  }

  /// Refuses a value that would change what the model computes in a way that Jet does not know.
  func expect(_ key: String, _ accepted: Bool?, _ supported: String) throws {
    guard accepted ?? true else {
      throw CheckpointError(
        "\(file) sets \(key) to \(values[key] ?? "null"); Jet runs \(supported) only")
    }
  }

  /// - Throws: ``CheckpointError`` naming the keys that nobody knows.
  func finish() throws {
    guard let key = unreadKeys.first else { return }
    throw CheckpointError(
      "\(file) sets \(key), which Jet does not know and which may change what the model computes; "
        + "remove it if it does not")
  }

  private func number(_ value: Any) -> Double? {
    guard let number = value as? NSNumber, !CFBooleanCheck.isBoolean(number) else { return nil }
    return number.doubleValue
  }

  private func read<Value>(
    _ key: String, _ expected: String, _ convert: (Any) -> Value?
  ) throws -> Value? {
    unread.names.remove(key)
    guard has(key), let value = values[key] else { return nil }
    guard let converted = convert(value) else {
      throw CheckpointError("\(file) sets \(key) to \(value); expected \(expected)")
    }
    return converted
  }
}

/// Tells true and false from 1 and 0, which Foundation hands out as one class.
enum CFBooleanCheck {
  static func isBoolean(_ number: NSNumber) -> Bool {
    String(cString: number.objCType) == "c" || number === NSNumber(value: true)
      || number === NSNumber(value: false)
  }
}
