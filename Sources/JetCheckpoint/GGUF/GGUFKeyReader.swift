import JetFormats

/// The metadata of a file's architecture, such as `llama.block_count`, and the keys that nobody has asked for.
final class GGUFKeyReader {
  let file: GGUFFile
  private let prefix: String
  private var unread: Set<String>

  init(_ file: GGUFFile, architecture: String) {
    self.file = file
    prefix = "\(architecture)."
    unread = []
    unread = Set(file.metadata.keys.filter { $0.hasPrefix(prefix) })
  }

  /// Counts `keys` as read: they do not change what the model computes.
  func ignore(_ keys: [String]) { unread.subtract(keys.map { prefix + $0 }) }

  func integer(_ key: String) throws -> Int? { try read(key, file.integer) }

  func bool(_ key: String) throws -> Bool? { try read(key, file.bool) }

  func string(_ key: String) throws -> String? { try read(key, file.string) }

  /// A number as it was written down: a float32 stands for the shortest decimal that rounds to it, so that 1e-5 is not
  /// 9.99999975e-06.
  func double(_ key: String) throws -> Double? {
    let number = try read(key, file.double)
    guard case .float32(let narrow) = file.metadata[prefix + key] else { return number }
    return Double("\(narrow)")
  }

  /// A number above zero, and below what any model has.
  func positive(_ key: String) throws -> Double? {
    guard let number = try double(key) else { return nil }
    guard number > 0, number <= 1e9 else {
      throw CheckpointError(
        "\(file.path) sets \(prefix)\(key) to \(number); expected a number above 0")
    }
    return number
  }

  /// The value that must be there.
  func required<Value>(_ key: String, _ read: (String) throws -> Value?) throws -> Value {
    guard let value = try read(key) else {
      throw CheckpointError(
        "\(file.path) has no metadata key \(prefix)\(key), which the model needs; convert the model "
          + "again with a current converter")
    }
    return value
  }

  /// Refuses a value that would change what the model computes in a way that Jet does not know.
  func expect(_ key: String, _ isAccepted: Bool?, _ supported: String) throws {
    guard isAccepted ?? true else {
      let name = prefix + key
      let found =
        switch file.metadata[name] {
        case .bool(let flag): "\(flag)"
        case .float32(let number): "\(number)"
        case .float64(let number): "\(number)"
        default: "\(try file.integer(name))"
        }
      throw CheckpointError("\(file.path) sets \(name) to \(found); Jet runs \(supported) only")
    }
  }

  /// - Throws: ``CheckpointError`` naming a key that nobody knows.
  func finish() throws {
    guard let key = unread.sorted().first else { return }
    throw CheckpointError(
      "\(file.path) sets \(shown(key)), which Jet does not know and which may change what the model "
        + "computes; convert the model again without it if it does not")
  }

  private func read<Value>(
    _ key: String, _ value: (String) throws(FormatError) -> Value
  ) throws -> Value? {
    unread.remove(prefix + key)
    guard file.contains(prefix + key) else { return nil }
    return try value(prefix + key)
  }
}
