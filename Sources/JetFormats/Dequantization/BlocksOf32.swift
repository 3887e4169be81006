// Blocks of 32 elements. Element i < 16 has its low four bits in the lower half of quantized byte
// i, element i + 16 in the upper half; the fifth bit of element i is bit i of a 32-bit word.
// Source: `dequantize_row_q…` of ggml's `ggml-quants.c`. Each product and sum is rounded to
// float32.

@inline(__always)
private func scale(_ block: UnsafeRawPointer, at offset: Int) -> Float {
  float32(fromFloat16Bits: block.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
}

/// Q4_0: `d · (q − 8)`; d 2 bytes, q 16.
func readQ40(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 18
    let values = output + index &* 32
    let d = scale(block, at: 0)
    let quants = (block + 2).assumingMemoryBound(to: UInt8.self)
    for i in 0..<16 {
      values[i] = Float(Int32(quants[i] & 15) &- 8) * d
      values[i &+ 16] = Float(Int32(quants[i] >> 4) &- 8) * d
    }
  }
}

/// Q4_1: `d · q + m`; d 2 bytes, m 2, q 16.
func readQ41(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 20
    let values = output + index &* 32
    let d = scale(block, at: 0)
    let m = scale(block, at: 2)
    let quants = (block + 4).assumingMemoryBound(to: UInt8.self)
    for i in 0..<16 {
      values[i] = Float(Int32(quants[i] & 15)) * d + m
      values[i &+ 16] = Float(Int32(quants[i] >> 4)) * d + m
    }
  }
}

/// Q5_0: `d · (q − 16)`; d 2 bytes, fifth bits 4, q 16.
func readQ50(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 22
    let values = output + index &* 32
    let d = scale(block, at: 0)
    let fifth = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
    let quants = (block + 6).assumingMemoryBound(to: UInt8.self)
    for i in 0..<16 {
      let bit = UInt32(truncatingIfNeeded: i)
      let low = UInt32(quants[i] & 15) | (fifth &>> bit & 1) << 4
      let high = UInt32(quants[i] >> 4) | (fifth &>> (bit &+ 16) & 1) << 4
      values[i] = Float(Int32(bitPattern: low) &- 16) * d
      values[i &+ 16] = Float(Int32(bitPattern: high) &- 16) * d
    }
  }
}

/// Q5_1: `d · q + m`; d 2 bytes, m 2, fifth bits 4, q 16.
func readQ51(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 24
    let values = output + index &* 32
    let d = scale(block, at: 0)
    let m = scale(block, at: 2)
    let fifth = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    let quants = (block + 8).assumingMemoryBound(to: UInt8.self)
    for i in 0..<16 {
      let bit = UInt32(truncatingIfNeeded: i)
      let low = UInt32(quants[i] & 15) | (fifth &>> bit & 1) << 4
      let high = UInt32(quants[i] >> 4) | (fifth &>> (bit &+ 16) & 1) << 4
      values[i] = Float(Int32(bitPattern: low)) * d + m
      values[i &+ 16] = Float(Int32(bitPattern: high)) * d + m
    }
  }
}

/// Q8_0: `d · q`; d 2 bytes, q 32 signed.
func readQ80(_ source: UnsafeRawPointer, blocks: Int, into output: UnsafeMutablePointer<Float>) {
  for index in 0..<blocks {
    let block = source + index &* 34
    let values = output + index &* 32
    let d = scale(block, at: 0)
    let quants = (block + 2).assumingMemoryBound(to: Int8.self)
    for i in 0..<32 { values[i] = Float(quants[i]) * d }
  }
}
