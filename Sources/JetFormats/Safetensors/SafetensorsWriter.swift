public import Foundation

/// Writes safetensors files tensor by tensor, so that a model need not fit into memory twice.
///
/// Every file is written by ``AtomicFile``. Tensors keep the order given, except that those with
/// wider elements come first, which aligns all of them without the padding that the format forbids.
public enum SafetensorsWriter {
  /// Writes one file.
  ///
  /// - Parameters:
  ///   - tensors: names are unique; types are not quantized.
  ///   - url: the file; an old one is replaced at the end, all at once.
  ///   - metadata: strings for `__metadata__`; Hugging Face's readers want `format` to be `pt`.
  /// - Throws: ``FormatError``, or what a tensor's closure throws; the old file is then untouched.
  public static func write(
    _ tensors: [TensorToWrite], to url: URL, metadata: [String: String] = ["format": "pt"]
  ) throws {
    let tensors = try checked(tensors, path: url.path)
    try write(tensors, checkedFor: url, metadata: metadata)
  }

  /// Writes the weights of a model folder, in several files if they are larger than a limit.
  ///
  /// One file is called `model.safetensors`; several are `model-00001-of-00003.safetensors` and so
  /// on, and `model.safetensors.index.json`, which is written last, says where each tensor lies.
  ///
  /// - Parameters:
  ///   - tensors: names are unique; types are not quantized.
  ///   - folder: an existing folder.
  ///   - maximumShardBytes: most bytes of tensors in a file; a larger tensor gets a file of its
  ///     own.
  ///   - metadata: strings for `__metadata__` of each file.
  /// - Throws: ``FormatError/Fault/ambiguousFolder`` if the folder holds weights and the new ones
  ///   would not replace them by one renaming: several files cannot be replaced at once. Otherwise
  ///   as ``write(_:to:metadata:)``.
  public static func write(
    _ tensors: [TensorToWrite], toFolder folder: URL, maximumShardBytes: Int = 5_000_000_000,
    metadata: [String: String] = ["format": "pt"]
  ) throws {
    let tensors = try checked(tensors, path: folder.path)
    let shards = shards(of: tensors, maximumBytes: maximumShardBytes)
    try checkFolder(folder, shardCount: shards.count)
    guard shards.count > 1 else {
      let url = folder.appendingPathComponent(SafetensorsCollection.singleName)
      return try write(tensors, checkedFor: url, metadata: metadata)
    }
    var fileNames: [String: String] = [:]
    for (index, shard) in shards.enumerated() {
      let name = "model-\(fiveDigits(index + 1))-of-\(fiveDigits(shards.count)).safetensors"
      for tensor in shard { fileNames[tensor.tensor.name] = name }
      try write(shard, checkedFor: folder.appendingPathComponent(name), metadata: metadata)
    }
    let totalSize = tensors.reduce(0) { $0 + $1.byteCount }
    let indexURL = folder.appendingPathComponent(SafetensorsCollection.indexName)
    try AtomicFile.write(to: indexURL) { output in
      let lines = fileNames.sorted { $0.key < $1.key }
        .map { "    \(jsonString($0.key)): \(jsonString($0.value))" }
      try output.write(
        "{\n  \"metadata\": {\"total_size\": \(totalSize)},\n  \"weight_map\": {\n"
          + lines.joined(separator: ",\n") + "\n  }\n}\n")
    }
  }

  private struct CheckedTensor {
    let tensor: TensorToWrite
    let byteCount: Int
  }

  private static func checked(
    _ tensors: [TensorToWrite], path: String
  ) throws(FormatError) -> [CheckedTensor] {
    var seen: Set<String> = ["__metadata__"]
    var result: [CheckedTensor] = []
    var total = 0
    for tensor in tensors {
      guard seen.insert(tensor.name).inserted else {
        throw FormatError(
          .duplicateTensor, file: path, tensor: tensor.name,
          "the name is given twice or reserved by the format",
          advice: "give each tensor its own name")
      }
      guard !tensor.elementType.isQuantized else {
        throw FormatError(
          .unsupportedElementType, file: path, tensor: tensor.name,
          "safetensors cannot hold \(tensor.elementType.rawValue)",
          advice: "write it as BF16 or F32")
      }
      let bytes = try byteCount(
        of: tensor.elementType, shape: tensor.shape, file: path, tensor: tensor.name)
      let (sum, overflow) = total.addingReportingOverflow(bytes)
      guard !overflow else {
        throw FormatError(
          .sizeOverflow, file: path, tensor: tensor.name,
          "all tensors together have too many bytes",
          advice: "check the shapes")
      }
      total = sum
      result.append(CheckedTensor(tensor: tensor, byteCount: bytes))
    }
    return ElementType.widths.flatMap { width in
      result.filter { $0.tensor.elementType.blockByteCount == width }
    }
  }

  private static func write(
    _ tensors: [CheckedTensor], checkedFor url: URL, metadata: [String: String]
  ) throws {
    let header = header(tensors, metadata: metadata)
    guard header.utf8.count <= SafetensorsHeader.maximumByteCount else {
      throw FormatError(
        .headerTooLarge, file: url.path,
        "its header would be \(header.utf8.count) bytes long, above the limit of"
          + " \(SafetensorsHeader.maximumByteCount)",
        advice: "write fewer tensors to a file")
    }
    try AtomicFile.write(to: url) { output in
      try withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { try output.write($0) }
      try output.write(header)
      for item in tensors {
        let start = output.byteCount
        try item.tensor.write(output)
        guard output.byteCount - start == item.byteCount else {
          throw FormatError(
            .wrongByteCount, file: url.path, tensor: item.tensor.name,
            "\(item.tensor.elementType.rawValue) of shape \(described(item.tensor.shape)) needs"
              + " \(item.byteCount) bytes, but \(output.byteCount - start) were given",
            advice: "mend the closure that gives the bytes")
        }
      }
    }
  }

  private static func header(_ tensors: [CheckedTensor], metadata: [String: String]) -> String {
    var fields: [String] = []
    if !metadata.isEmpty {
      let strings = metadata.sorted { $0.key < $1.key }
        .map { "\(jsonString($0.key)):\(jsonString($0.value))" }
      fields.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
    }
    var position = 0
    for item in tensors {
      let shape = item.tensor.shape.map { String($0) }.joined(separator: ",")
      let end = position + item.byteCount
      fields.append(
        "\(jsonString(item.tensor.name)):{\"dtype\":\"\(item.tensor.elementType.rawValue)\","
          + "\"shape\":[\(shape)],\"data_offsets\":[\(position),\(end)]}")
      position = end
    }
    let text = "{\(fields.joined(separator: ","))}"
    let padding = (8 - text.utf8.count % 8) % 8
    return text + String(repeating: " ", count: padding)
  }

  private static func shards(
    of tensors: [CheckedTensor], maximumBytes: Int
  ) -> [[CheckedTensor]] {
    var shards: [[CheckedTensor]] = [[]]
    var bytes = 0
    for tensor in tensors {
      if bytes > 0, bytes + tensor.byteCount > maximumBytes {
        shards.append([])
        bytes = 0
      }
      shards[shards.count - 1].append(tensor)
      bytes += tensor.byteCount
    }
    return shards
  }

  private static func checkFolder(_ folder: URL, shardCount: Int) throws {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    } catch {
      throw FormatError(
        .missingFile, file: folder.path, "the folder to write to cannot be read: \(error)",
        advice: "make the folder first")
    }
    let obstacle = names.sorted().first { name in
      let isWeights = name.hasPrefix("model") && name.hasSuffix(".safetensors")
      guard isWeights || name == SafetensorsCollection.indexName else { return false }
      return shardCount > 1 || name != SafetensorsCollection.singleName
    }
    guard let obstacle else { return }
    throw FormatError(
      .ambiguousFolder, file: folder.path,
      "the folder already holds \(quoted(obstacle)), which the new weights would not replace at"
        + " once",
      advice: "write to an empty folder")
  }

  private static func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  private static func jsonString(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{00}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension ElementType {
  /// Bytes of one element of the plain types, widest first.
  fileprivate static let widths = [8, 4, 2, 1]
}
