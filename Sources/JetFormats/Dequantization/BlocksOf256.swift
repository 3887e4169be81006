// Blocks of 256 elements ("K" types).
// Source: `dequantize_row_q4_K`, `…q5_K`, `…q6_K` of ggml's `ggml-quants.c`. Each product and
// difference is rounded to float32.

@inline(__always)
private func scale(_ block: UnsafeRawPointer, at offset: Int) -> Float {
  float32(fromFloat16Bits: block.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
}

/// The 6-bit scale and minimum of group `group` of eight, packed into 12 bytes: groups 0 to 3 in
/// the low six bits of bytes 0 to 3 (scales) and 4 to 7 (minima); groups 4 to 7 with four bits in
/// bytes 8 to 11 and their upper two in the top of bytes 0 to 7.
@inline(__always)
private func scaleAndMinimum(
  _ packed: UnsafePointer<UInt8>, group: Int
) -> (scale: Float, minimum: Float) {
  if group < 4 { return (Float(packed[group] & 63), Float(packed[group &+ 4] & 63)) }
  let low = packed[group &+ 4]
  let scale = low & 15 | (packed[group &- 4] >> 6) << 4
  let minimum = low >> 4 | (packed[group] >> 6) << 4
  return (Float(scale), Float(minimum))
}

/// Q4_K: `(d · s) · q − (dmin · m)` for each group of 32; d 2 bytes, dmin 2, s and m 12, q 128.
func readQ4K(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 144
    let d = scale(block, at: 0)
    let dmin = scale(block, at: 2)
    let packed = (block + 4).assumingMemoryBound(to: UInt8.self)
    // 32 bytes hold two groups: the lower halves the first, the upper halves the second.
    for pair in 0..<4 {
      let quants = (block + 16 + pair &* 32).assumingMemoryBound(to: UInt8.self)
      let values = output + (index &* 256 &+ pair &* 64)
      let first = scaleAndMinimum(packed, group: pair &* 2)
      let second = scaleAndMinimum(packed, group: pair &* 2 &+ 1)
      let (d1, m1) = (d * first.scale, dmin * first.minimum)
      let (d2, m2) = (d * second.scale, dmin * second.minimum)
      for i in 0..<32 { values[i] = d1 * Float(Int32(quants[i] & 15)) - m1 }
      for i in 0..<32 { values[i &+ 32] = d2 * Float(Int32(quants[i] >> 4)) - m2 }
    }
  }
}

/// Q5_K: as Q4_K with the fifth bit of element i of group g in bit g of byte i; d 2 bytes, dmin 2,
/// s and m 12, fifth bits 32, q 128.
func readQ5K(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 176
    let d = scale(block, at: 0)
    let dmin = scale(block, at: 2)
    let packed = (block + 4).assumingMemoryBound(to: UInt8.self)
    let fifth = (block + 16).assumingMemoryBound(to: UInt8.self)
    for pair in 0..<4 {
      let quants = (block + 48 + pair &* 32).assumingMemoryBound(to: UInt8.self)
      let values = output + (index &* 256 &+ pair &* 64)
      let first = scaleAndMinimum(packed, group: pair &* 2)
      let second = scaleAndMinimum(packed, group: pair &* 2 &+ 1)
      let (d1, m1) = (d * first.scale, dmin * first.minimum)
      let (d2, m2) = (d * second.scale, dmin * second.minimum)
      let shift = UInt8(truncatingIfNeeded: pair &* 2)
      for i in 0..<32 {
        let quant = quants[i] & 15 | (fifth[i] &>> shift & 1) << 4
        values[i] = d1 * Float(Int32(quant)) - m1
      }
      for i in 0..<32 {
        let quant = quants[i] >> 4 | (fifth[i] &>> (shift &+ 1) & 1) << 4
        values[i &+ 32] = d2 * Float(Int32(quant)) - m2
      }
    }
  }
}

/// Q6_K: `(d · s) · (q − 32)` for each group of 16; low bits 128 bytes, upper two bits 64, s 16
/// signed, d 2.
func readQ6K(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 210
    let d = scale(block, at: 208)
    // Each half of 128 elements has 64 bytes of low bits, 32 of upper bits and 8 scales. Quarter
    // k of it takes the lower (k < 2) or upper halves of the low bytes 32·(k mod 2) to
    // 32·(k mod 2) + 31 and the bits 2k and 2k + 1 of the upper bytes.
    for half in 0..<2 {
      let low = (block + half &* 64).assumingMemoryBound(to: UInt8.self)
      let upper = (block + 128 + half &* 32).assumingMemoryBound(to: UInt8.self)
      let scales = (block + 192 + half &* 8).assumingMemoryBound(to: Int8.self)
      for quarter in 0..<4 {
        let values = output + (index &* 256 &+ half &* 128 &+ quarter &* 32)
        let lowShift: UInt8 = quarter < 2 ? 0 : 4
        let upperShift = UInt8(truncatingIfNeeded: quarter &* 2)
        let quants = low + (quarter & 1) &* 32
        for group in 0..<2 {
          let scaled = d * Float(scales[quarter &* 2 &+ group])
          for i in group &* 16..<group &* 16 &+ 16 {
            let quant = quants[i] &>> lowShift & 15 | (upper[i] &>> upperShift & 3) << 4
            values[i] = scaled * Float(Int32(quant) &- 32)
          }
        }
      }
    }
  }
}
