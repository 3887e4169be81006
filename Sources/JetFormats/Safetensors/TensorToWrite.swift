public import Foundation

/// A tensor that a writer will ask for its bytes when its turn comes.
public struct TensorToWrite {
  /// The name in the file.
  public let name: String
  /// How the elements are stored; not a quantized type.
  public let elementType: ElementType
  /// Sizes, slowest dimension first.
  public let shape: [Int]
  let write: (FileOutput) throws -> Void

  /// A tensor whose bytes are written in pieces.
  ///
  /// - Parameters:
  ///   - name: the name in the file.
  ///   - elementType: how the elements are stored.
  ///   - shape: sizes, slowest dimension first.
  ///   - write: writes exactly the bytes that type and shape need, little-endian, row-major.
  public init(
    name: String, elementType: ElementType, shape: [Int],
    writingWith write: @escaping (FileOutput) throws -> Void
  ) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.write = write
  }

  /// A tensor whose bytes are made at once when they are needed.
  ///
  /// - Parameters:
  ///   - name: the name in the file.
  ///   - elementType: how the elements are stored.
  ///   - shape: sizes, slowest dimension first.
  ///   - bytes: gives exactly the bytes that type and shape need, little-endian, row-major.
  public init(
    name: String, elementType: ElementType, shape: [Int], bytes: @escaping () throws -> Data
  ) {
    self.init(name: name, elementType: elementType, shape: shape) { output in
      try bytes().withUnsafeBytes { try output.write($0) }
    }
  }

  /// A copy of a tensor of another file.
  public init(copying tensor: StoredTensor) {
    let entry = tensor.entry
    self.init(name: entry.name, elementType: entry.elementType, shape: entry.shape) { output in
      try tensor.withBytes { bytes throws(FormatError) in try output.write(bytes) }
      tensor.discard()
    }
  }
}
