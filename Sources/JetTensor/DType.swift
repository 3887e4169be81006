/// The type of a tensor's elements.
public enum DType: Int32, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  // The raw values are libtorch's codes (`c10::ScalarType`).
  case uint8 = 0
  case int8 = 1
  case int16 = 2
  case int32 = 3
  case int64 = 4
  case float16 = 5
  case float32 = 6
  case float64 = 7
  case bool = 11
  case bfloat16 = 15

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .int16, .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// Whether the elements are real numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// The name as it is written in configurations: `float32`.
  public var description: String { Self.names.first { $0.value == self }?.key ?? "\(rawValue)" }

  /// The type of that name, such as `bfloat16`; nil for an unknown one.
  public init?(name: String) {
    guard let found = Self.names[name] else { return nil }
    self = found
  }

  private static let names: [String: DType] = [
    "uint8": .uint8, "int8": .int8, "int16": .int16, "int32": .int32, "int64": .int64,
    "float16": .float16, "bfloat16": .bfloat16, "float32": .float32, "float64": .float64,
    "bool": .bool,
  ]
}

/// A Swift type whose values can be read from and written to a tensor.
public protocol TensorScalar: Sendable {
  /// The element type of the same layout.
  static var dtype: DType { get }

  /// Zero, or false.
  init()
}

extension Float: TensorScalar {
  /// `float32`.
  public static var dtype: DType { .float32 }
}

extension Double: TensorScalar {
  /// `float64`.
  public static var dtype: DType { .float64 }
}

extension Int: TensorScalar {
  /// `int64`.
  public static var dtype: DType { .int64 }
}

extension Int32: TensorScalar {
  /// `int32`.
  public static var dtype: DType { .int32 }
}

extension Int8: TensorScalar {
  /// `int8`.
  public static var dtype: DType { .int8 }
}

extension UInt8: TensorScalar {
  /// `uint8`.
  public static var dtype: DType { .uint8 }
}

extension Bool: TensorScalar {
  /// `bool`.
  public static var dtype: DType { .bool }
}
