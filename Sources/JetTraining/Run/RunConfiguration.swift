public import Foundation

/// Values that decide a run: read from JSON over their defaults, checked as they are read.
public protocol RunConfiguration: Codable, Hashable, Sendable {
  /// Checks what the types alone do not.
  ///
  /// - Throws: ``TrainingError`` naming the value and what was expected.
  func validate() throws
}

extension RunConfiguration {
  /// The values of `json`, and those of `defaults` where it is silent.
  ///
  /// - Parameter file: what messages call the text.
  /// - Throws: ``TrainingError`` for a key that is not known, a value of another kind, or one that is not possible.
  public init(json: Data, over defaults: Self, file: String) throws {
    func parsed(_ data: Data) throws -> Any {
      try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
    }
    let given: Any
    do {
      given = try parsed(json)
    } catch {
      throw TrainingError("\(file) is not JSON; mend its syntax")
    }
    guard given is [String: Any] else {
      throw TrainingError("\(file) is not an object of keys and values; expected { … }")
    }
    let encoder = JSONEncoder()
    let merged = overlay(given, on: try parsed(encoder.encode(defaults)))
    do {
      self = try JSONDecoder().decode(
        Self.self, from: JSONSerialization.data(withJSONObject: merged, options: []))
    } catch let error as DecodingError {
      throw TrainingError("\(file): \(error.sentence)")
    }
    // Whatever was given and does not come back was not read.
    if let unknown = unknownKey(given, in: try parsed(encoder.encode(self)), path: "") {
      throw TrainingError("\(file) has the key '\(unknown)', which is not known; remove or mend it")
    }
    try validate()
  }

  /// All values as JSON, keys sorted.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return try encoder.encode(self)
  }
}

private func overlay(_ given: Any, on defaults: Any) -> Any {
  guard let given = given as? [String: Any], var merged = defaults as? [String: Any] else {
    return given
  }
  for (key, value) in given { merged[key] = merged[key].map { overlay(value, on: $0) } ?? value }
  return merged
}

private func unknownKey(_ given: Any, in known: Any, path: String) -> String? {
  if let given = given as? [String: Any] {
    guard let known = known as? [String: Any] else { return path }
    for (key, value) in given.sorted(by: { $0.key < $1.key }) {
      let inner = path.isEmpty ? key : "\(path).\(key)"
      guard let own = known[key] else { return inner }
      if let found = unknownKey(value, in: own, path: inner) { return found }
    }
  } else if let given = given as? [Any], let known = known as? [Any], given.count == known.count {
    for (index, pair) in zip(given, known).enumerated() {
      if let found = unknownKey(pair.0, in: pair.1, path: "\(path)[\(index)]") { return found }
    }
  }
  return nil
}

extension DecodingError {
  /// The place and the fault, without Swift's types.
  fileprivate var sentence: String {
    func place(_ context: Context) -> String {
      let names = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
      return names.isEmpty ? "the configuration" : "'\(names.joined(separator: "."))'"
    }
    return switch self {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      "\(place(context)) has a value of the wrong kind; expected \(type)"
    case .keyNotFound(let key, let context):
      "\(place(context)) lacks '\(key.stringValue)'; add it"
    case .dataCorrupted(let context):
      "\(place(context)) has a value that is not possible; \(context.debugDescription)"
    @unknown default: "the configuration cannot be read"
    }
  }
}
