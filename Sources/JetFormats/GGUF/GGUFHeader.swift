/// Everything before the data of a GGUF file, checked: metadata and the places of the tensors.
/// - Source: ggml's `docs/gguf.md`.
struct GGUFHeader {
  /// Longest name of a metadata key in bytes, by the specification.
  static let maximumKeyByteCount = 65_535
  /// Longest name of a tensor in bytes, by the specification.
  static let maximumTensorNameByteCount = 64
  /// Largest alignment of the data that is believed.
  static let maximumAlignment: UInt32 = 1 << 16

  let version: Int
  let metadata: [String: GGUFValue]
  /// In the order of the file.
  let entries: [TensorEntry]

  private struct Declaration {
    var name: String
    var elementType: ElementType
    var shape: [Int]
    var byteCount: Int
    var offset: UInt64
  }

  /// Reads and checks the header of a whole file.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError) {
    var reader = GGUFReader(bytes, file: file)
    version = try Self.version(&reader)
    // A tensor takes at least a name's length, a rank, one size, a type and an offset.
    let tensorCount = try reader.count(of: "tensors", minimumByteCount: 8 + 4 + 8 + 4 + 8)
    let keyCount = try reader.count(of: "metadata keys", minimumByteCount: 8 + 4 + 1)
    metadata = try Self.metadata(&reader, count: keyCount)

    var declarations: [Declaration] = []
    var seen: Set<String> = []
    declarations.reserveCapacity(tensorCount)
    for _ in 0..<tensorCount {
      let declaration = try Self.declaration(&reader)
      guard seen.insert(declaration.name).inserted else {
        throw reader.error(
          .duplicateTensor, "the file declares this tensor twice", tensor: declaration.name)
      }
      declarations.append(declaration)
    }
    let alignment = try Self.alignment(metadata, file: file)
    // No overflow: the offset is at most a file's size and the alignment is small.
    let dataStart = (reader.offset + alignment - 1) / alignment * alignment
    entries = try Self.entries(
      declarations, dataStart: dataStart, alignment: alignment, fileSize: bytes.count, file: file)
    try Self.checkOverlaps(entries, file: file)
  }

  private static func version(_ reader: inout GGUFReader) throws(FormatError) -> Int {
    let magic = try reader.integer(UInt32.self, of: "the magic number")
    guard magic == 0x4655_4747 else {  // "GGUF"
      throw FormatError(
        .wrongMagic, file: reader.file, "the file does not begin with 'GGUF'",
        advice: "give a file in GGUF form")
    }
    let version = try reader.integer(UInt32.self, of: "the version")
    guard version == 2 || version == 3 else {
      let isBigEndian = (2...3).contains(version.byteSwapped)
      throw FormatError(
        .unsupportedVersion, file: reader.file,
        isBigEndian
          ? "the file is big-endian, but little-endian was expected"
          : "the file has GGUF version \(version), but 2 or 3 was expected",
        advice: "convert the model again with a current converter")
    }
    return Int(version)
  }

  private static func metadata(
    _ reader: inout GGUFReader, count: Int
  ) throws(FormatError) -> [String: GGUFValue] {
    var metadata: [String: GGUFValue] = [:]
    for index in 0..<count {
      let key = try reader.string(
        of: "the name of metadata key \(index)", maximumByteCount: maximumKeyByteCount)
      guard !key.isEmpty else {
        throw reader.error(.invalidName, "metadata key \(index) has an empty name")
      }
      let what = "metadata key \(quoted(key))"
      let type = try reader.valueType(of: what)
      let value = try reader.value(type, of: what)
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw reader.error(.duplicateKey, "\(what) is there twice")
      }
    }
    return metadata
  }

  private static func alignment(
    _ metadata: [String: GGUFValue], file: String
  ) throws(FormatError) -> Int {
    guard let value = metadata["general.alignment"] else { return 32 }
    guard case .uint32(let alignment) = value, alignment > 0, alignment <= maximumAlignment,
      alignment & (alignment - 1) == 0
    else {
      let found =
        if case .uint32(let number) = value { "\(number)" } else { "of type \(value.typeName)" }
      throw FormatError(
        .invalidAlignment, file: file,
        "'general.alignment' is \(found), but a power of two up to \(maximumAlignment), stored as"
          + " uint32, was expected")
    }
    return Int(alignment)
  }

  private static func declaration(
    _ reader: inout GGUFReader
  ) throws(FormatError) -> Declaration {
    let name = try reader.string(
      of: "the name of a tensor", maximumByteCount: maximumTensorNameByteCount)
    guard !name.isEmpty else { throw reader.error(.invalidName, "a tensor has an empty name") }
    let rank = try reader.integer(UInt32.self, of: "the rank of tensor \(quoted(name))")
    guard (1...4).contains(rank) else {
      throw reader.error(
        .invalidShape, "it has \(rank) dimensions, but 1 to 4 were expected", tensor: name)
    }
    var shape: [Int] = []
    for _ in 0..<rank {
      let size = try reader.integer(UInt64.self, of: "the shape of tensor \(quoted(name))")
      guard size > 0, let size = Int(exactly: size) else {
        throw reader.error(
          .invalidShape, "a dimension of it is \(size), but 1 to \(Int.max) was expected",
          tensor: name)
      }
      shape.append(size)
    }
    // The file lists the fastest dimension first.
    shape.reverse()
    let code = try reader.integer(UInt32.self, of: "the type of tensor \(quoted(name))")
    let elementType = try elementType(code, file: reader.file, tensor: name)
    let offset = try reader.integer(UInt64.self, of: "the offset of tensor \(quoted(name))")
    let bytes = try byteCount(of: elementType, shape: shape, file: reader.file, tensor: name)
    return Declaration(
      name: name, elementType: elementType, shape: shape, byteCount: bytes, offset: offset)
  }

  private static func elementType(
    _ code: UInt32, file: String, tensor: String
  ) throws(FormatError) -> ElementType {
    if let type = GGUFElementType.known(code) { return type }
    if let name = GGUFElementType.unsupportedName(code) {
      throw FormatError(
        .unsupportedElementType, file: file, tensor: tensor,
        "it is stored as \(name), which Jet does not read",
        advice: "convert the model to BF16, Q8_0, Q4_K or another type that Jet reads")
    }
    throw FormatError(
      .unknownElementType, file: file, tensor: tensor, "it has the unknown element type \(code)")
  }

  private static func entries(
    _ declarations: [Declaration], dataStart: Int, alignment: Int, fileSize: Int, file: String
  ) throws(FormatError) -> [TensorEntry] {
    var entries: [TensorEntry] = []
    entries.reserveCapacity(declarations.count)
    for tensor in declarations {
      guard tensor.offset.isMultiple(of: UInt64(alignment)) else {
        throw FormatError(
          .misalignedOffset, file: file, tensor: tensor.name,
          "its offset \(tensor.offset) is not a multiple of the alignment \(alignment)")
      }
      let available = max(0, fileSize - dataStart)
      guard tensor.offset <= UInt64(available),
        tensor.byteCount <= available - Int(tensor.offset)
      else {
        throw FormatError(
          .outOfBounds, file: file, tensor: tensor.name,
          "its \(tensor.byteCount) bytes at offset \(tensor.offset) end past the file's"
            + " \(available) bytes of data",
          advice: "the file is incomplete or damaged; get it again")
      }
      let start = dataStart + Int(tensor.offset)
      entries.append(
        TensorEntry(
          name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
          range: start..<start + tensor.byteCount))
    }
    return entries
  }

  private static func checkOverlaps(_ entries: [TensorEntry], file: String) throws(FormatError) {
    let sorted = entries.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for (first, second) in zip(sorted, sorted.dropFirst())
    where second.range.lowerBound < first.range.upperBound {
      throw FormatError(
        .overlap, file: file, tensor: second.name,
        "its bytes overlap those of tensor \(quoted(first.name))")
    }
  }
}
