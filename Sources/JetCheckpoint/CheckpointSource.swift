import JetFormats
import JetModels
import JetTensor

/// The tensors of a file or folder, under the names of the released code.
final class CheckpointSource: ParameterSource {
  private let container: any TensorContainer
  private let names: any CheckpointNames

  init(_ container: any TensorContainer, names: any CheckpointNames) {
    self.container = container
    self.names = names
  }

  func contains(_ name: String) -> Bool { container[names.stored(name)] != nil }

  func read(
    _ name: String, shape: [Int], dtype: DType, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    let stored = try checkedTensor(name, shape: shape)
    try readInParts(stored, dtype: dtype, into: destination)
    if let order = names.rowOrder(name, rows: shape[0]) {
      permute(destination, destination.count / max(1, shape[0]), by: order)
    }
  }

  /// The tensor that the released code calls `name`, if it has this shape and can be read as numbers.
  func checkedTensor(_ name: String, shape: [Int]) throws -> StoredTensor {
    let stored = try container.tensor(names.stored(name))
    let entry = stored.entry
    guard entry.shape == shape else {
      throw CheckpointError(
        "\(container.path): tensor \(shown(entry.name)) has the shape \(entry.shape); "
          + "the configuration asks for \(shape)")
    }
    guard entry.elementType.isReadableAsFloat else {
      throw CheckpointError(
        "\(container.path): tensor \(shown(entry.name)) is stored as "
          + "\(entry.elementType.rawValue); convert the weights to F32, F16 or BF16")
    }
    return stored
  }

  /// A part at a time, so that the file's pages go as the weights come.
  private func readInParts(
    _ stored: StoredTensor, dtype: DType, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    let (rowCount, columnCount) = (stored.entry.rowCount, stored.entry.columnCount)
    let rowBytes = columnCount * dtype.byteCount
    let rowsAtOnce = max(1, Self.partBytes / max(1, rowBytes))
    for start in stride(from: 0, to: rowCount, by: rowsAtOnce) {
      let rows = start..<min(start + rowsAtOnce, rowCount)
      let part = UnsafeMutableRawBufferPointer(
        rebasing: destination[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes])
      try read(stored, rows: rows, count: rows.count * columnCount, dtype: dtype, into: part)
      stored.discard(rows: rows)
    }
  }

  private static let partBytes = 16 << 20

  private func read(
    _ stored: StoredTensor, rows: Range<Int>, count: Int, dtype: DType,
    into part: UnsafeMutableRawBufferPointer
  ) throws {
    switch dtype {
    case .float32: try stored.read(rows: rows, into: part.bindMemory(to: Float.self))
    case .bfloat16: try stored.read(rows: rows, intoBFloat16: part.bindMemory(to: UInt16.self))
    default:
      var wide = [Float](repeating: 0, count: count)
      try wide.withUnsafeMutableBufferPointer { try stored.read(rows: rows, into: $0) }
      Tensor(wide).to(dtype).withBytes { part.copyMemory(from: $0) }
    }
  }

  private func permute(
    _ destination: UnsafeMutableRawBufferPointer, _ rowBytes: Int, by order: [Int]
  ) {
    let original = [UInt8](destination)
    original.withUnsafeBytes { source in
      for (row, from) in order.enumerated() {
        let bytes = UnsafeRawBufferPointer(
          rebasing: source[from * rowBytes..<(from + 1) * rowBytes])
        UnsafeMutableRawBufferPointer(
          rebasing: destination[row * rowBytes..<(row + 1) * rowBytes]
        ).copyMemory(from: bytes)
      }
    }
  }
}

/// Checks each tensor that a model asks for and reads none: a fault at the end of a large file is found before its
/// beginning is copied.
final class CheckpointInspection: ParameterSource {
  private let source: CheckpointSource

  init(_ source: CheckpointSource) { self.source = source }

  func contains(_ name: String) -> Bool { source.contains(name) }

  func read(
    _ name: String, shape: [Int], dtype: DType, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    _ = try source.checkedTensor(name, shape: shape)
  }
}
