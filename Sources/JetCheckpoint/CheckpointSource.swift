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
    let stored = try container.tensor(names.stored(name))
    guard stored.entry.shape == shape else {
      throw CheckpointError(
        "\(container.path): tensor \(stored.entry.name) has the shape \(stored.entry.shape); "
          + "the configuration asks for \(shape)")
    }
    guard stored.entry.elementType.isReadableAsFloat else {
      throw CheckpointError(
        "\(container.path): tensor \(stored.entry.name) is stored as \(stored.entry.elementType.rawValue); "
          + "expected numbers that can be read as weights")
    }
    if shape.count == 2 {
      try readInParts(stored, rowBytes: shape[1] * dtype.byteCount, dtype: dtype, into: destination)
    } else {
      try read(stored, rows: nil, count: shape.reduce(1, *), dtype: dtype, into: destination)
    }
    if let order = names.rowOrder(name, rows: shape[0]) {
      permute(destination, destination.count / max(1, shape[0]), by: order)
    }
  }

  /// A part at a time, so that the file's pages go as the weights come.
  private func readInParts(
    _ stored: StoredTensor, rowBytes: Int, dtype: DType,
    into destination: UnsafeMutableRawBufferPointer
  ) throws {
    let (rowCount, columnCount) = (stored.entry.rowCount, stored.entry.columnCount)
    let rowsAtOnce = max(1, (32 << 20) / max(1, rowBytes))
    for start in stride(from: 0, to: rowCount, by: rowsAtOnce) {
      let rows = start..<min(start + rowsAtOnce, rowCount)
      let part = UnsafeMutableRawBufferPointer(
        rebasing: destination[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes])
      try read(stored, rows: rows, count: rows.count * columnCount, dtype: dtype, into: part)
      stored.discard(rows: rows)
    }
  }

  private func read(
    _ stored: StoredTensor, rows: Range<Int>?, count: Int, dtype: DType,
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

/// How a kind of checkpoint names and orders what the released code calls by its own names.
protocol CheckpointNames {
  /// The name in the file of the tensor that the released code calls `name`.
  func stored(_ name: String) -> String
  /// Row `i` of the tensor is row `rowOrder[i]` of the file; nil where the order is the same.
  func rowOrder(_ name: String, rows: Int) -> [Int]?
}

/// The released code's own names.
struct HuggingFaceNames: CheckpointNames {
  func stored(_ name: String) -> String { name }
  func rowOrder(_ name: String, rows: Int) -> [Int]? { nil }
}
