/// A value of a GGUF file's metadata, with the type that it has in the file.
public enum GGUFValue: Hashable, Sendable {
  /// Unsigned, 8 bits.
  case uint8(UInt8)
  /// Signed, 8 bits.
  case int8(Int8)
  /// Unsigned, 16 bits.
  case uint16(UInt16)
  /// Signed, 16 bits.
  case int16(Int16)
  /// Unsigned, 32 bits.
  case uint32(UInt32)
  /// Signed, 32 bits.
  case int32(Int32)
  /// Unsigned, 64 bits.
  case uint64(UInt64)
  /// Signed, 64 bits.
  case int64(Int64)
  /// 32 bits.
  case float32(Float)
  /// 64 bits.
  case float64(Double)
  /// One byte in the file.
  case bool(Bool)
  /// UTF-8 text.
  case string(String)
  /// Values of one type.
  case array(GGUFArray)

  /// The type in words, for messages.
  public var typeName: String {
    switch self {
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .uint32: "uint32"
    case .int32: "int32"
    case .uint64: "uint64"
    case .int64: "int64"
    case .float32: "float32"
    case .float64: "float64"
    case .bool: "bool"
    case .string: "string"
    case .array(let array): "array of \(array.elementTypeName)"
    }
  }
}

/// An array of a GGUF file's metadata, stored compactly by the type of its elements.
public enum GGUFArray: Hashable, Sendable {
  /// Unsigned, 8 bits.
  case uint8([UInt8])
  /// Signed, 8 bits.
  case int8([Int8])
  /// Unsigned, 16 bits.
  case uint16([UInt16])
  /// Signed, 16 bits.
  case int16([Int16])
  /// Unsigned, 32 bits.
  case uint32([UInt32])
  /// Signed, 32 bits.
  case int32([Int32])
  /// Unsigned, 64 bits.
  case uint64([UInt64])
  /// Signed, 64 bits.
  case int64([Int64])
  /// 32 bits.
  case float32([Float])
  /// 64 bits.
  case float64([Double])
  /// One byte each in the file.
  case bool([Bool])
  /// UTF-8 texts.
  case string([String])
  /// Arrays, each with a type of its own.
  case array([GGUFArray])

  /// The type of the elements in words, for messages.
  public var elementTypeName: String {
    switch self {
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .uint32: "uint32"
    case .int32: "int32"
    case .uint64: "uint64"
    case .int64: "int64"
    case .float32: "float32"
    case .float64: "float64"
    case .bool: "bool"
    case .string: "string"
    case .array: "arrays"
    }
  }
}

/// The codes of the value types in the file.
enum GGUFValueType: UInt32 {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
  case uint64, int64, float64

  /// Fewest bytes that a value of this type takes in a file: bounds every count before it is
  /// believed.
  var minimumByteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string: 8  // its length
    case .array: 12  // its type and count
    }
  }
}
