/// What a container says about one tensor, checked when the container was opened.
///
/// Only the readers of this module make entries, so these hold: the product of ``shape`` does not
/// overflow, rows are whole blocks, ``range`` lies in the file and has exactly the bytes that type
/// and shape need.
public struct TensorEntry: Hashable, Sendable {
  /// The name in the file.
  public let name: String
  /// How the elements are stored.
  public let elementType: ElementType
  /// Sizes, slowest dimension first (row-major); empty for a scalar.
  public let shape: [Int]
  /// Where the bytes lie, counted from the start of the file.
  public let range: Range<Int>

  init(name: String, elementType: ElementType, shape: [Int], range: Range<Int>) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.range = range
  }

  /// Number of elements: the product of the shape, 1 for a scalar.
  public var elementCount: Int { shape.reduce(1, *) }

  /// Length of a row: the last size of the shape, 1 for a scalar.
  public var columnCount: Int { shape.last ?? 1 }

  /// Number of rows: the product of all sizes but the last, 1 for a scalar.
  public var rowCount: Int { shape.dropLast().reduce(1, *) }

  /// Bytes in the file.
  public var byteCount: Int { range.count }
}

/// The bytes that a tensor of that type and shape needs, or the rule that it breaks.
func byteCount(
  of elementType: ElementType, shape: [Int], file: String, tensor: String
) throws(FormatError) -> Int {
  var elements = 1
  for size in shape {
    let (product, overflow) = elements.multipliedReportingOverflow(by: size)
    guard !overflow, size >= 0 else {
      throw FormatError(
        .sizeOverflow, file: file, tensor: tensor,
        "its shape \(described(shape)) has more elements than can be counted")
    }
    elements = product
  }
  let blockElements = elementType.blockElementCount
  guard (shape.last ?? 1).isMultiple(of: blockElements) else {
    throw FormatError(
      .partialBlock, file: file, tensor: tensor,
      "rows of \(shape.last ?? 1) elements are not whole \(elementType.rawValue) blocks"
        + " of \(blockElements)")
  }
  let blocks = elements / blockElements
  let (bytes, overflow) = blocks.multipliedReportingOverflow(by: elementType.blockByteCount)
  guard !overflow else {
    throw FormatError(
      .sizeOverflow, file: file, tensor: tensor,
      "its shape \(described(shape)) has more bytes than can be counted")
  }
  return bytes
}

/// A shape as it is written in messages, at most eight sizes of it.
func described(_ shape: [Int]) -> String {
  let shown = shape.prefix(8).map { String($0) }.joined(separator: ", ")
  return shape.count > 8 ? "[\(shown), …]" : "[\(shown)]"
}
