/// The float32 of the same value as IEEE binary16 bits.
///
/// Written with integers, since without a compiler flag for F16C the hardware's conversion is a
/// call.
@inline(__always)
func float32(fromFloat16Bits bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let magnitude = UInt32(bits & 0x7FFF) << 13
  let exponent = magnitude & 0x0F80_0000
  // A subnormal: its fraction is read as that of 2⁻¹⁴, and 2⁻¹⁴ is taken away.
  let subnormal = Float(bitPattern: magnitude &+ 0x3880_0000) - Float(bitPattern: 0x3880_0000)
  let normal = magnitude &+ (exponent == 0x0F80_0000 ? 0x7000_0000 : 0x3800_0000)
  return Float(bitPattern: sign | (exponent == 0 ? subnormal.bitPattern : normal))
}

/// The bfloat16 bits nearest to a float32, ties to even; NaN stays NaN, made quiet.
@inline(__always)
func bfloat16Bits(from value: Float) -> UInt16 {
  let bits = value.bitPattern
  let rounded = bits &+ 0x7FFF &+ (bits &>> 16 & 1)
  let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
  return UInt16(truncatingIfNeeded: (isNaN ? bits | 0x0040_0000 : rounded) &>> 16)
}
