/// The codes of element types in GGUF files.
/// - Source: `enum ggml_type` of ggml's `ggml.h`.
enum GGUFElementType {
  /// The type of a code that Jet reads.
  static func known(_ code: UInt32) -> ElementType? {
    switch code {
    case 0: .float32
    case 1: .float16
    case 2: .q40
    case 3: .q41
    case 6: .q50
    case 7: .q51
    case 8: .q80
    case 12: .q4K
    case 13: .q5K
    case 14: .q6K
    case 24: .int8
    case 25: .int16
    case 26: .int32
    case 27: .int64
    case 28: .float64
    case 30: .bfloat16
    default: nil
    }
  }

  /// The name of a code that ggml knows and Jet does not read.
  static func unsupportedName(_ code: UInt32) -> String? {
    switch code {
    case 4: "Q4_2"
    case 5: "Q4_3"
    case 9: "Q8_1"
    case 10: "Q2_K"
    case 11: "Q3_K"
    case 15: "Q8_K"
    case 16: "IQ2_XXS"
    case 17: "IQ2_XS"
    case 18: "IQ3_XXS"
    case 19: "IQ1_S"
    case 20: "IQ4_NL"
    case 21: "IQ3_S"
    case 22: "IQ2_S"
    case 23: "IQ4_XS"
    case 29: "IQ1_M"
    case 31: "Q4_0_4_4"
    case 32: "Q4_0_4_8"
    case 33: "Q4_0_8_8"
    case 34: "TQ1_0"
    case 35: "TQ2_0"
    case 39: "MXFP4"
    case 40: "NVFP4"
    case 41: "Q1_0"
    default: nil
    }
  }
}
