/// A tensor in a mapped file: its entry and a way to its bytes.
public struct StoredTensor: Sendable {
  /// Name, type, shape and place.
  public let entry: TensorEntry
  /// The file that holds the bytes; keep it (or this value) as long as pointers into it are used.
  public let file: MappedFile

  /// Calls `body` with the bytes as they are stored; they may be aligned to no more than one byte.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try file.withBytes(in: entry.range, body)
  }

  /// Gives the pages of this tensor back to the system once its bytes were copied out.
  public func discard() { file.discard(entry.range) }

  /// Gives the pages of some rows back to the system; pages that other rows share stay.
  public func discard(rows: Range<Int>) {
    let rowBytes = entry.byteCount / max(1, entry.rowCount)
    let start = entry.range.lowerBound + rows.lowerBound * rowBytes
    file.discard(start..<start + rows.count * rowBytes)
  }

  /// Asks the system to read the pages of this tensor ahead.
  public func prefetch() { file.prefetch(entry.range) }

  /// Reads rows as float32, exactly the values that ggml computes.
  ///
  /// - Parameters:
  ///   - rows: rows of the tensor seen as a matrix `[rowCount, columnCount]`; nil for all.
  ///   - output: `rows.count · columnCount` elements, row-major.
  /// - Precondition: the rows exist and the output has exactly that many elements.
  /// - Throws: ``FormatError/Fault/unsupportedElementType`` if the elements are integers, booleans,
  ///   float64 or float8.
  public func read(
    rows: Range<Int>? = nil, into output: UnsafeMutableBufferPointer<Float>
  ) throws(FormatError) {
    try withRows(rows, outputCount: output.count) { source, count in
      guard let target = output.baseAddress else { return }
      dequantize(entry.elementType, source, count: count, into: target)
    }
  }

  /// Reads rows as bfloat16 bits: the float32 values rounded to nearest even, NaN kept quiet.
  ///
  /// - Parameters:
  ///   - rows: rows of the tensor seen as a matrix `[rowCount, columnCount]`; nil for all.
  ///   - output: `rows.count · columnCount` elements, row-major.
  /// - Precondition: the rows exist and the output has exactly that many elements.
  /// - Throws: ``FormatError/Fault/unsupportedElementType`` if the elements are integers, booleans,
  ///   float64 or float8.
  public func read(
    rows: Range<Int>? = nil, intoBFloat16 output: UnsafeMutableBufferPointer<UInt16>
  ) throws(FormatError) {
    try withRows(rows, outputCount: output.count) { source, count in
      guard let target = output.baseAddress else { return }
      dequantize(entry.elementType, source, count: count, intoBFloat16: target)
    }
  }

  private func withRows(
    _ rows: Range<Int>?, outputCount: Int, _ body: (UnsafeRawPointer, Int) -> Void
  ) throws(FormatError) {
    guard entry.elementType.isReadableAsFloat else {
      throw FormatError(
        .unsupportedElementType, file: file.path, tensor: entry.name,
        "it is stored as \(entry.elementType.rawValue), which Jet does not read as weights",
        advice: "convert the weights to F32, F16 or BF16")
    }
    let rowCount = entry.rowCount
    let columnCount = entry.columnCount
    let rows = rows ?? 0..<rowCount
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= rowCount,
      "read: rows \(rows) of a tensor of \(rowCount) rows")
    let count = rows.count * columnCount
    precondition(
      outputCount == count,
      "read: \(rows.count) rows of \(columnCount) into \(outputCount) elements")
    // Of an empty tensor the size of a row may be too large to count.
    guard count > 0 else { return }
    let rowBytes =
      columnCount / entry.elementType.blockElementCount * entry.elementType.blockByteCount
    let start = entry.range.lowerBound + rows.lowerBound * rowBytes
    file.withBytes(in: start..<start + rows.count * rowBytes) { bytes in
      guard let base = bytes.baseAddress else { return }
      body(base, count)
    }
  }
}
