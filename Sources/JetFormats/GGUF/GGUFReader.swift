/// Reads the little-endian values of a GGUF file one after the other, never past its end.
struct GGUFReader {
  /// Levels of arrays in arrays that are read.
  static let maximumDepth = 4

  private let bytes: UnsafeRawBufferPointer
  let file: String
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  /// Bytes that are left.
  var remaining: Int { bytes.count - offset }

  func error(
    _ fault: FormatError.Fault, _ problem: String, tensor: String? = nil
  ) -> FormatError {
    FormatError(fault, file: file, tensor: tensor, "\(problem) (byte \(offset) of the file)")
  }

  private func requireBytes(_ count: Int, for what: String) throws(FormatError) {
    guard count <= remaining else {
      throw FormatError(
        .truncated, file: file,
        "the file ends inside \(what): \(count) bytes were expected at byte \(offset), but"
          + " \(remaining) are left",
        advice: "the file is incomplete; get it again")
    }
  }

  // MARK: Single values

  mutating func integer<Value: FixedWidthInteger>(
    _ type: Value.Type, of what: String
  ) throws(FormatError) -> Value {
    try requireBytes(MemoryLayout<Value>.size, for: what)
    defer { offset += MemoryLayout<Value>.size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// Reads a count of things of at least `minimumByteCount` bytes each; more than can be left is a
  /// lie.
  mutating func count(of what: String, minimumByteCount: Int) throws(FormatError) -> Int {
    let value = try integer(UInt64.self, of: "the number of \(what)")
    guard value <= UInt64(remaining / minimumByteCount) else {
      throw error(
        .impossibleCount, "the file declares \(value) \(what), but only \(remaining) bytes are left"
      )
    }
    return Int(value)
  }

  mutating func string(of what: String, maximumByteCount: Int = .max) throws(FormatError) -> String
  {
    let length = try integer(UInt64.self, of: what)
    guard length <= UInt64(remaining) else {
      throw error(
        .truncated, "\(what) declares \(length) bytes of text, but only \(remaining) are left")
    }
    guard length <= UInt64(maximumByteCount) else {
      throw error(
        .invalidName, "\(what) has \(length) bytes of text, above the limit of \(maximumByteCount)")
    }
    let text = bytes[offset..<offset + Int(length)]
    guard let string = String(validating: text, as: UTF8.self) else {
      throw error(.invalidText, "\(what) is not UTF-8")
    }
    offset += Int(length)
    return string
  }

  mutating func bool(of what: String) throws(FormatError) -> Bool {
    let byte = try integer(UInt8.self, of: what)
    guard byte <= 1 else {
      throw error(.invalidMetadata, "\(what) is a bool of \(byte), not 0 or 1")
    }
    return byte == 1
  }

  mutating func valueType(of what: String) throws(FormatError) -> GGUFValueType {
    let code = try integer(UInt32.self, of: what)
    guard let type = GGUFValueType(rawValue: code) else {
      throw error(.invalidMetadata, "\(what) has the unknown value type \(code)")
    }
    return type
  }

  mutating func value(_ type: GGUFValueType, of what: String) throws(FormatError) -> GGUFValue {
    switch type {
    case .uint8: .uint8(try integer(UInt8.self, of: what))
    case .int8: .int8(try integer(Int8.self, of: what))
    case .uint16: .uint16(try integer(UInt16.self, of: what))
    case .int16: .int16(try integer(Int16.self, of: what))
    case .uint32: .uint32(try integer(UInt32.self, of: what))
    case .int32: .int32(try integer(Int32.self, of: what))
    case .uint64: .uint64(try integer(UInt64.self, of: what))
    case .int64: .int64(try integer(Int64.self, of: what))
    case .float32: .float32(Float(bitPattern: try integer(UInt32.self, of: what)))
    case .float64: .float64(Double(bitPattern: try integer(UInt64.self, of: what)))
    case .bool: .bool(try bool(of: what))
    case .string: .string(try string(of: what))
    case .array: .array(try array(of: what, depth: 1))
    }
  }

  // MARK: Arrays

  private mutating func array(of what: String, depth: Int) throws(FormatError) -> GGUFArray {
    guard depth <= Self.maximumDepth else {
      throw error(.nestingTooDeep, "\(what) nests arrays more than \(Self.maximumDepth) deep")
    }
    let type = try valueType(of: what)
    let count = try count(of: "elements of \(what)", minimumByteCount: type.minimumByteCount)
    switch type {
    case .uint8: return .uint8(integers(count))
    case .int8: return .int8(integers(count))
    case .uint16: return .uint16(integers(count))
    case .int16: return .int16(integers(count))
    case .uint32: return .uint32(integers(count))
    case .int32: return .int32(integers(count))
    case .uint64: return .uint64(integers(count))
    case .int64: return .int64(integers(count))
    case .float32: return .float32((integers(count) as [UInt32]).map { Float(bitPattern: $0) })
    case .float64: return .float64((integers(count) as [UInt64]).map { Double(bitPattern: $0) })
    case .bool:
      var values: [Bool] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(try bool(of: what)) }
      return .bool(values)
    case .string:
      var values: [String] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(try string(of: what)) }
      return .string(values)
    case .array:
      var values: [GGUFArray] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(try array(of: what, depth: depth + 1)) }
      return .array(values)
    }
  }

  /// Reads integers whose count was checked against the bytes that are left.
  private mutating func integers<Value: FixedWidthInteger>(_ count: Int) -> [Value] {
    let width = MemoryLayout<Value>.size
    let start = offset
    offset += count * width
    return [Value](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      for index in 0..<count {
        let stored = bytes.loadUnaligned(fromByteOffset: start + index * width, as: Value.self)
        buffer.initializeElement(at: index, to: Value(littleEndian: stored))
      }
      initializedCount = count
    }
  }
}
