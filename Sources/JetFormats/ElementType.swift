/// How the elements of a tensor are stored on disk.
///
/// The raw value is the name that both containers use: `F32`, `BF16`, `Q4_K`.
/// Elements are stored in blocks: one element each for plain types, 32 or 256 for quantized ones.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
  /// IEEE 754 binary64.
  case float64 = "F64"
  /// IEEE 754 binary32.
  case float32 = "F32"
  /// IEEE 754 binary16.
  case float16 = "F16"
  /// The upper half of a binary32.
  case bfloat16 = "BF16"
  /// Signed, 64 bits.
  case int64 = "I64"
  /// Signed, 32 bits.
  case int32 = "I32"
  /// Signed, 16 bits.
  case int16 = "I16"
  /// Signed, 8 bits.
  case int8 = "I8"
  /// Unsigned, 8 bits.
  case uint8 = "U8"
  /// Unsigned, 16 bits.
  case uint16 = "U16"
  /// Unsigned, 32 bits.
  case uint32 = "U32"
  /// Unsigned, 64 bits.
  case uint64 = "U64"
  /// One byte, 0 or 1.
  case bool = "BOOL"
  /// 8 bits: sign, 4 of exponent, 3 of fraction.
  case float8E4M3 = "F8_E4M3"
  /// 8 bits: sign, 5 of exponent, 2 of fraction.
  case float8E5M2 = "F8_E5M2"
  /// Blocks of 32: a float16 scale, 4 bits an element, centred at 8.
  case q40 = "Q4_0"
  /// Blocks of 32: float16 scale and minimum, 4 bits an element.
  case q41 = "Q4_1"
  /// Blocks of 32: a float16 scale, 5 bits an element, centred at 16.
  case q50 = "Q5_0"
  /// Blocks of 32: float16 scale and minimum, 5 bits an element.
  case q51 = "Q5_1"
  /// Blocks of 32: a float16 scale, 8 signed bits an element.
  case q80 = "Q8_0"
  /// Blocks of 256 in 8 groups of 32 with 6-bit scales and minima, 4 bits an element.
  case q4K = "Q4_K"
  /// Blocks of 256 in 8 groups of 32 with 6-bit scales and minima, 5 bits an element.
  case q5K = "Q5_K"
  /// Blocks of 256 in 16 groups of 16 with 8-bit scales, 6 bits an element, centred at 32.
  case q6K = "Q6_K"

  /// Elements of one block.
  public var blockElementCount: Int {
    switch self {
    case .q40, .q41, .q50, .q51, .q80: 32
    case .q4K, .q5K, .q6K: 256
    default: 1
    }
  }

  /// Bytes of one block.
  public var blockByteCount: Int {
    switch self {
    case .int8, .uint8, .bool, .float8E4M3, .float8E5M2: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    case .q40: 18
    case .q41: 20
    case .q50: 22
    case .q51: 24
    case .q80: 34
    case .q4K: 144
    case .q5K: 176
    case .q6K: 210
    }
  }

  /// Whether the elements lie in blocks with common scales.
  public var isQuantized: Bool { blockElementCount > 1 }

  /// Whether ``StoredTensor/read(rows:into:)-(_,UnsafeMutableBufferPointer<Float>)`` reads this
  /// type.
  public var isReadableAsFloat: Bool {
    switch self {
    case .float32, .float16, .bfloat16: true
    default: isQuantized
    }
  }
}
