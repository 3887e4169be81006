import Foundation
import JetFormats

/// A padded batch of tokens in a safetensors file.
enum TokenFile {
  /// The rows of `input_ids` `[B, T]`, each cut to its entry of `lengths` `[B]` where there is one.
  ///
  /// - Throws: `FormatError` for a broken file, ``CommandError`` for tensors that do not fit.
  static func rows(_ path: String) throws -> [[Int]] {
    let file = try SafetensorsFile(URL(filePath: path))
    guard let tokens = file["input_ids"] else {
      throw CommandError(
        "\(path) has no tensor input_ids; write one of int32 or int64 and shape [batch, tokens].")
    }
    let shape = tokens.entry.shape
    guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
      throw CommandError(
        "\(path): input_ids has the shape \(shape); expected [batch, tokens], each at least 1.")
    }
    let values = try integers(tokens, path)
    var lengths = Array(repeating: shape[1], count: shape[0])
    if let stored = file["lengths"] {
      lengths = try integers(stored, path)
      guard stored.entry.shape == [shape[0]], lengths.allSatisfy({ (1...shape[1]).contains($0) })
      else {
        throw CommandError(
          "\(path): lengths has the shape \(stored.entry.shape) and values \(lengths.prefix(8)); "
            + "expected [\(shape[0])] with values from 1 to \(shape[1]).")
      }
    }
    return lengths.enumerated().map { row, length in
      Array(values[row * shape[1]..<row * shape[1] + length])
    }
  }

  private static func integers(_ tensor: StoredTensor, _ path: String) throws -> [Int] {
    try tensor.withBytes { bytes in
      func read<Value: FixedWidthInteger>(_: Value.Type) -> [Int] {
        (0..<bytes.count / MemoryLayout<Value>.size).map { index in
          let offset = index * MemoryLayout<Value>.size
          return Int(
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)))
        }
      }
      switch tensor.entry.elementType {
      case .int64: return read(Int64.self)
      case .int32: return read(Int32.self)
      default:
        throw CommandError(
          "\(path): \(tensor.entry.name) is stored as \(tensor.entry.elementType.rawValue); "
            + "expected int32 or int64.")
      }
    }
  }
}
