public import Foundation

/// The weights of a model folder: one `model.safetensors`, or several files listed by
/// `model.safetensors.index.json`.
public struct SafetensorsCollection: TensorContainer {
  /// The names of all tensors, sorted.
  public let names: [String]
  /// The path of the folder.
  public let path: String
  /// The files, sorted by name.
  public let files: [SafetensorsFile]
  private let fileIndex: [String: Int]

  static let singleName = "model.safetensors"
  static let indexName = "model.safetensors.index.json"

  /// Opens the weights of a folder.
  ///
  /// - Parameter folder: the folder that holds the weights.
  /// - Throws: ``FormatError``; a tensor that the index lists and its file lacks, one that a file
  ///   holds and the index does not list there, and file names that lead out of the folder are
  ///   errors, as is a folder with both forms.
  public init(folder: URL) throws(FormatError) {
    path = folder.path
    let single = folder.appendingPathComponent(Self.singleName)
    let index = folder.appendingPathComponent(Self.indexName)
    let hasSingle = access(single.path, F_OK) == 0
    let hasIndex = access(index.path, F_OK) == 0
    guard hasSingle || hasIndex else {
      throw FormatError(
        .missingFile, file: folder.path,
        "the folder has neither \(Self.singleName) nor \(Self.indexName)",
        advice: "give the folder of a model in safetensors form")
    }
    guard !(hasSingle && hasIndex) else {
      throw FormatError(
        .ambiguousFolder, file: folder.path,
        "the folder has both \(Self.singleName) and \(Self.indexName)",
        advice: "remove the one that does not belong to the model")
    }
    if hasSingle {
      let file = try SafetensorsFile(single)
      files = [file]
      names = file.names
      fileIndex = Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
    } else {
      (files, fileIndex) = try Self.shards(of: index, in: folder)
      names = fileIndex.keys.sorted()
    }
  }

  /// The tensor of that name; nil if there is none.
  public subscript(name: String) -> StoredTensor? {
    fileIndex[name].flatMap { files[$0][name] }
  }

  private static func shards(
    of index: URL, in folder: URL
  ) throws(FormatError) -> ([SafetensorsFile], [String: Int]) {
    let shardNames = try weightMap(index)
    var fileIndex: [String: Int] = [:]
    fileIndex.reserveCapacity(shardNames.count)
    var files: [SafetensorsFile] = []
    for shard in Set(shardNames.values).sorted() {
      let file = try SafetensorsFile(folder.appendingPathComponent(shard))
      for name in file.names {
        guard let expected = shardNames[name] else {
          throw FormatError(
            .tensorNotInIndex, file: file.path, tensor: name,
            "\(indexName) does not list this tensor",
            advice: "the files belong to different models or versions; get all of them again")
        }
        guard expected == shard else {
          throw FormatError(
            .duplicateTensor, file: file.path, tensor: name,
            "this file holds the tensor, but \(indexName) places it in \(quoted(expected))",
            advice: "the files belong to different models or versions; get all of them again")
        }
        fileIndex[name] = files.count
      }
      files.append(file)
    }
    for (name, shard) in shardNames where fileIndex[name] == nil {
      throw FormatError(
        .tensorNotInShard, file: index.path, tensor: name,
        "the index places it in \(quoted(shard)), which does not hold it",
        advice: "the files belong to different models or versions; get all of them again")
    }
    return (files, fileIndex)
  }

  private static func weightMap(_ index: URL) throws(FormatError) -> [String: String] {
    let file = try MappedFile(index)
    guard file.size <= SafetensorsHeader.maximumByteCount else {
      throw FormatError(
        .headerTooLarge, file: file.path,
        "the index is \(file.size) bytes long, above the limit of"
          + " \(SafetensorsHeader.maximumByteCount)"
      )
    }
    return try file.withBytes(in: 0..<file.size) { bytes throws(FormatError) in
      var scanner = JSONScanner(bytes, file: file.path)
      var map: [String: String]?
      try scanner.object { scanner, key throws(FormatError) in
        guard key == "weight_map" else { return try scanner.skipValue() }
        guard map == nil else { throw scanner.error("a second 'weight_map'", fault: .duplicateKey) }
        map = try weightMap(&scanner, file: file.path)
      }
      try scanner.end()
      guard let map, !map.isEmpty else {
        throw FormatError(
          .missingKey, file: file.path, "the index has no 'weight_map' with tensors")
      }
      return map
    }
  }

  private static func weightMap(
    _ scanner: inout JSONScanner, file: String
  ) throws(FormatError) -> [String: String] {
    var map: [String: String] = [:]
    try scanner.object { scanner, name throws(FormatError) in
      let shard = try scanner.string()
      guard isPlainFileName(shard) else {
        throw FormatError(
          .invalidShardName, file: file, tensor: name,
          "the index places it in \(quoted(shard)), which is not the plain name of a file in the"
            + " folder"
        )
      }
      guard map.updateValue(shard, forKey: name) == nil else {
        throw FormatError(
          .duplicateTensor, file: file, tensor: name, "the index lists this tensor twice")
      }
    }
    return map
  }

  private static func isPlainFileName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 255 && name != "." && name != ".."
      && name.unicodeScalars.allSatisfy { $0 != "/" && $0 != "\\" && $0.value >= 0x20 }
  }
}
