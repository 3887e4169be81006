/// Writes the float32 values of stored elements: those that ggml computes, bit for bit.
///
/// - Parameters:
///   - type: a type with ``ElementType/isReadableAsFloat``.
///   - source: the stored blocks, of any alignment.
///   - count: elements, whole blocks.
///   - output: room for `count` elements.
/// - Complexity: O(count); one core writes above 1 GB/s.
func dequantize(
  _ type: ElementType, _ source: UnsafeRawPointer, count: Int,
  into output: UnsafeMutablePointer<Float>
) {
  precondition(
    count.isMultiple(of: type.blockElementCount),
    "dequantize: \(count) elements are not whole \(type.rawValue) blocks")
  let blocks = count / type.blockElementCount
  switch type {
  case .float32: UnsafeMutableRawPointer(output).copyMemory(from: source, byteCount: count * 4)
  case .float16: readFloat16(source, count: count, into: output)
  case .bfloat16: readBFloat16(source, count: count, into: output)
  case .q40: readQ40(source, blocks: blocks, into: output)
  case .q41: readQ41(source, blocks: blocks, into: output)
  case .q50: readQ50(source, blocks: blocks, into: output)
  case .q51: readQ51(source, blocks: blocks, into: output)
  case .q80: readQ80(source, blocks: blocks, into: output)
  case .q4K: readQ4K(source, blocks: blocks, into: output)
  case .q5K: readQ5K(source, blocks: blocks, into: output)
  case .q6K: readQ6K(source, blocks: blocks, into: output)
  default: preconditionFailure("dequantize: \(type.rawValue) is not read as numbers")
  }
}

/// Writes the bfloat16 bits of stored elements: the float32 values rounded to nearest even.
///
/// - Parameters:
///   - type: a type with ``ElementType/isReadableAsFloat``.
///   - source: the stored blocks, of any alignment.
///   - count: elements, whole blocks.
///   - output: room for `count` elements.
func dequantize(
  _ type: ElementType, _ source: UnsafeRawPointer, count: Int,
  intoBFloat16 output: UnsafeMutablePointer<UInt16>
) {
  if type == .bfloat16 {
    UnsafeMutableRawPointer(output).copyMemory(from: source, byteCount: count * 2)
    return
  }
  // Whole blocks that stay in the first-level cache between the two passes.
  let pieceCount = 2048
  withUnsafeTemporaryAllocation(of: Float.self, capacity: pieceCount) { piece in
    guard let values = piece.baseAddress else { return }
    var done = 0
    while done < count {
      let length = min(pieceCount, count - done)
      let start = done / type.blockElementCount * type.blockByteCount
      dequantize(type, source + start, count: length, into: values)
      for index in 0..<length { output[done + index] = bfloat16Bits(from: values[index]) }
      done += length
    }
  }
}

private func readFloat16(
  _ source: UnsafeRawPointer, count: Int, into output: UnsafeMutablePointer<Float>
) {
  for index in 0..<count {
    let bits = source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
    output[index] = float32(fromFloat16Bits: bits)
  }
}

private func readBFloat16(
  _ source: UnsafeRawPointer, count: Int, into output: UnsafeMutablePointer<Float>
) {
  for index in 0..<count {
    let bits = source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
    output[index] = Float(bitPattern: UInt32(bits) << 16)
  }
}
