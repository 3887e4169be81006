public import Foundation
public import JetFormats
public import JetModels
public import JetTensor

/// The tensors of a safetensors file that another implementation wrote.
public struct StoredNumbers {
  /// The file.
  public let file: SafetensorsFile

  /// Opens the file `name` of `Tests/Fixtures`.
  public init(fixture name: String) throws {
    file = try SafetensorsFile(fixtures.appending(path: name))
  }

  /// The names of all tensors.
  public var names: [String] { file.names }

  /// A float32 tensor.
  public func numbers(_ name: String) throws -> Tensor {
    let stored = try file.tensor(name)
    var values = [Float](repeating: 0, count: stored.entry.elementCount)
    try values.withUnsafeMutableBufferPointer { try stored.read(into: $0) }
    return Tensor(values, shape: stored.entry.shape)
  }

  /// Rows of int32 token ids.
  public func tokens(_ name: String) throws -> [[Int]] {
    let stored = try file.tensor(name)
    let flat = stored.withBytes { bytes in
      (0..<stored.entry.elementCount).map {
        Int(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
      }
    }
    let width = stored.entry.columnCount
    return stride(from: 0, to: flat.count, by: width).map { Array(flat[$0..<$0 + width]) }
  }
}

/// The folder `Tests/Fixtures`.
public let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
  .appending(path: "../Fixtures").standardizedFileURL

/// Parameters of a single layer out of a file that another implementation wrote.
public final class StoredParameters: ParameterSource {
  private let numbers: StoredNumbers
  private let prefix: String

  /// The parameter `name` of the layer is the tensor `prefix` + `name` of the file.
  public init(_ numbers: StoredNumbers, prefix: String) {
    self.numbers = numbers
    self.prefix = prefix
  }

  /// Whether the file has that parameter of the layer.
  public func contains(_ name: String) -> Bool { numbers.file[prefix + name] != nil }

  /// Copies the parameter, whose count of elements must fit.
  public func read(
    _ name: String, shape: [Int], dtype: DType, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    let stored = try numbers.numbers(prefix + name)
    guard stored.count == shape.reduce(1, *) else {
      throw ModelError("\(name) has the shape \(stored.shape); expected \(shape)")
    }
    stored.to(dtype).withBytes { destination.copyMemory(from: $0) }
  }
}
