/// Typed access to metadata. Each accessor throws ``FormatError/Fault/missingKey`` or
/// ``FormatError/Fault/wrongValueType`` with the key, the type expected and the type found.
extension GGUFFile {
  /// Whether the metadata has this key.
  public func contains(_ key: String) -> Bool { metadata[key] != nil }

  /// The text of a key.
  public func string(_ key: String) throws(FormatError) -> String {
    guard case .string(let text) = try value(key) else { throw wrongType(key, expected: "string") }
    return text
  }

  /// The truth value of a key.
  public func bool(_ key: String) throws(FormatError) -> Bool {
    guard case .bool(let flag) = try value(key) else { throw wrongType(key, expected: "bool") }
    return flag
  }

  /// The whole number of a key, stored as any integer type.
  ///
  /// - Throws: ``FormatError/Fault/valueOutOfRange`` for one above `Int.max`, too.
  public func integer(_ key: String) throws(FormatError) -> Int {
    switch try value(key) {
    case .uint8(let number): return Int(number)
    case .int8(let number): return Int(number)
    case .uint16(let number): return Int(number)
    case .int16(let number): return Int(number)
    case .uint32(let number): return Int(number)
    case .int32(let number): return Int(number)
    case .int64(let number): return Int(number)
    case .uint64(let number):
      guard let exact = Int(exactly: number) else { throw tooLarge(key, number) }
      return exact
    default: throw wrongType(key, expected: "integer")
    }
  }

  /// The number of a key, stored as float32 or float64.
  public func double(_ key: String) throws(FormatError) -> Double {
    switch try value(key) {
    case .float32(let number): return Double(number)
    case .float64(let number): return number
    default: throw wrongType(key, expected: "float32 or float64")
    }
  }

  /// The texts of a key.
  public func strings(_ key: String) throws(FormatError) -> [String] {
    guard case .array(.string(let texts)) = try value(key) else {
      throw wrongType(key, expected: "array of string")
    }
    return texts
  }

  /// The whole numbers of a key, stored as any integer type.
  ///
  /// - Throws: ``FormatError/Fault/valueOutOfRange`` for one above `Int.max`, too.
  public func integers(_ key: String) throws(FormatError) -> [Int] {
    guard case .array(let array) = try value(key) else {
      throw wrongType(key, expected: "array of integers")
    }
    switch array {
    case .uint8(let numbers): return numbers.map { Int($0) }
    case .int8(let numbers): return numbers.map { Int($0) }
    case .uint16(let numbers): return numbers.map { Int($0) }
    case .int16(let numbers): return numbers.map { Int($0) }
    case .uint32(let numbers): return numbers.map { Int($0) }
    case .int32(let numbers): return numbers.map { Int($0) }
    case .int64(let numbers): return numbers.map { Int($0) }
    case .uint64(let numbers):
      if let large = numbers.first(where: { $0 > UInt64(Int.max) }) { throw tooLarge(key, large) }
      return numbers.map { Int($0) }
    default: throw wrongType(key, expected: "array of integers")
    }
  }

  /// The numbers of a key, stored as float32.
  public func floats(_ key: String) throws(FormatError) -> [Float] {
    guard case .array(.float32(let numbers)) = try value(key) else {
      throw wrongType(key, expected: "array of float32")
    }
    return numbers
  }

  private func value(_ key: String) throws(FormatError) -> GGUFValue {
    if let value = metadata[key] { return value }
    throw FormatError(
      .missingKey, file: path, "the metadata has no key \(quoted(key))",
      advice: "convert the model again with a current converter")
  }

  private func wrongType(_ key: String, expected: String) -> FormatError {
    let found = metadata[key]?.typeName ?? "nothing"
    return FormatError(
      .wrongValueType, file: path,
      "the metadata key \(quoted(key)) should be of type \(expected), but it is of type \(found)",
      advice: "convert the model again with a current converter")
  }

  private func tooLarge(_ key: String, _ number: UInt64) -> FormatError {
    FormatError(
      .valueOutOfRange, file: path,
      "the metadata key \(quoted(key)) holds \(number), but at most \(Int.max) was expected")
  }
}
