import Foundation

/// The header of a safetensors file, checked against the rules of the reference implementation.
///
/// Layout: 8 bytes of length (little-endian), that many bytes of JSON, then the tensors one after
/// the other without holes or overlaps up to the end of the file.
/// - Source: huggingface/safetensors `safetensors/src/tensor.rs`.
struct SafetensorsHeader {
  /// Longest JSON text that is read.
  static let maximumByteCount = 100_000_000

  let metadata: [String: String]
  /// In the order of their bytes.
  let entries: [TensorEntry]

  private struct Declaration {
    var name: String
    var elementType: ElementType
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  /// Reads and checks the header of a whole file.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError) {
    let text = try Self.text(of: bytes, file: file)
    var scanner = JSONScanner(text, file: file)
    var metadata: [String: String]?
    var declarations: [Declaration] = []
    var seen: Set<String> = []

    try scanner.object { scanner, key throws(FormatError) in
      if key == "__metadata__" {
        guard metadata == nil else {
          throw scanner.error("a second '__metadata__'", fault: .duplicateKey)
        }
        metadata = try Self.metadata(&scanner)
      } else {
        guard seen.insert(key).inserted else {
          throw FormatError(
            .duplicateTensor, file: file, tensor: key, "the header declares this tensor twice")
        }
        declarations.append(try Self.declaration(key, &scanner, file: file))
      }
    }
    try scanner.end()
    self.metadata = metadata ?? [:]
    entries = try Self.entries(
      declarations, dataStart: 8 + text.count, fileSize: bytes.count, file: file)
  }

  private static func text(
    of bytes: UnsafeRawBufferPointer, file: String
  ) throws(FormatError) -> UnsafeRawBufferPointer {
    guard bytes.count >= 8 else {
      throw FormatError(
        .truncated, file: file,
        "the file has \(bytes.count) bytes, but a safetensors file begins with 8 bytes of length")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= maximumByteCount else {
      throw FormatError(
        .headerTooLarge, file: file,
        "the header says it is \(length) bytes long, above the limit of \(maximumByteCount)",
        advice: "this is probably not a safetensors file")
    }
    guard Int(length) <= bytes.count - 8 else {
      throw FormatError(
        .truncated, file: file,
        "the header says it is \(length) bytes long, but \(bytes.count - 8) follow",
        advice: "the file is incomplete; get it again")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<8 + Int(length)])
    guard text.first == UInt8(ascii: "{") else {
      throw FormatError(.invalidHeader, file: file, "the header does not begin with '{'")
    }
    return text
  }

  private static func metadata(
    _ scanner: inout JSONScanner
  ) throws(FormatError) -> [String: String] {
    var result: [String: String] = [:]
    try scanner.object { scanner, key throws(FormatError) in
      guard scanner.nextIs("\"") else {
        throw scanner.error(
          "the value of \(quoted(key)) in '__metadata__' is not a string", fault: .invalidMetadata)
      }
      guard result.updateValue(try scanner.string(), forKey: key) == nil else {
        throw scanner.error("a second \(quoted(key)) in '__metadata__'", fault: .duplicateKey)
      }
    }
    return result
  }

  private static func declaration(
    _ name: String, _ scanner: inout JSONScanner, file: String
  ) throws(FormatError) -> Declaration {
    var typeName: String?
    var shape: [Int]?
    var offsets: [Int]?
    do throws(FormatError) {
      try scanner.object { scanner, key throws(FormatError) in
        let isRepeated: Bool
        switch key {
        case "dtype":
          isRepeated = typeName != nil
          typeName = try scanner.string()
        case "shape":
          isRepeated = shape != nil
          shape = try scanner.integers()
        case "data_offsets":
          isRepeated = offsets != nil
          offsets = try scanner.integers()
        default:
          // The reference implementation passes over fields that it does not know.
          isRepeated = false
          try scanner.skipValue()
        }
        guard !isRepeated else {
          throw scanner.error("a second \(quoted(key))", fault: .duplicateKey)
        }
      }
    } catch {
      throw error.about(tensor: name)
    }
    guard let typeName, let shape, let offsets else {
      let missing = typeName == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw FormatError(.missingKey, file: file, tensor: name, "its header has no '\(missing)'")
    }
    guard let elementType = ElementType(rawValue: typeName), !elementType.isQuantized else {
      let known = ElementType.allCases.filter { !$0.isQuantized }.map(\.rawValue)
      throw FormatError(
        .unknownElementType, file: file, tensor: name,
        "its dtype is \(quoted(typeName)), but one of \(known.joined(separator: " ")) was expected",
        advice: "convert the weights to one of these")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw FormatError(
        .invalidOffsets, file: file, tensor: name,
        "its data_offsets are \(described(offsets)), but a begin and an end not before it were"
          + " expected"
      )
    }
    return Declaration(
      name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
  }

  private static func entries(
    _ declarations: [Declaration], dataStart: Int, fileSize: Int, file: String
  ) throws(FormatError) -> [TensorEntry] {
    let dataSize = fileSize - dataStart
    var entries: [TensorEntry] = []
    entries.reserveCapacity(declarations.count)
    var position = 0
    for tensor in declarations.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      let name = tensor.name
      guard tensor.begin == position else {
        let isHole = tensor.begin > position
        throw FormatError(
          isHole ? .hole : .overlap, file: file, tensor: name,
          "its bytes begin at \(tensor.begin), but the tensor before ends at \(position), and"
            + " safetensors allows no \(isHole ? "holes" : "overlaps")")
      }
      let needed = try byteCount(
        of: tensor.elementType, shape: tensor.shape, file: file, tensor: name)
      guard tensor.end - tensor.begin == needed else {
        throw FormatError(
          .sizeMismatch, file: file, tensor: name,
          "\(tensor.elementType.rawValue) of shape \(described(tensor.shape)) needs \(needed)"
            + " bytes, but its data_offsets span \(tensor.end - tensor.begin)")
      }
      guard tensor.end <= dataSize else {
        throw FormatError(
          .truncated, file: file, tensor: name,
          "its bytes end at \(tensor.end), but the file has \(dataSize) bytes of data",
          advice: "the file is incomplete; get it again")
      }
      position = tensor.end
      entries.append(
        TensorEntry(
          name: name, elementType: tensor.elementType, shape: tensor.shape,
          range: dataStart + tensor.begin..<dataStart + tensor.end))
    }
    guard position == dataSize else {
      throw FormatError(
        .trailingBytes, file: file,
        "the tensors end at \(position), but the file has \(dataSize) bytes of data")
    }
    return entries
  }
}
