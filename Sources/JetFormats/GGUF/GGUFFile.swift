public import Foundation

/// A GGUF file (version 2 or 3, little-endian), mapped and checked as a whole when it is opened.
public struct GGUFFile: TensorContainer {
  /// The version of the format.
  public let version: Int
  /// All metadata, by key.
  public let metadata: [String: GGUFValue]
  /// The tensors in the order of the file; shapes are row-major (the reverse of the file's).
  public let tensors: [StoredTensor]
  /// The names of all tensors, sorted.
  public let names: [String]
  /// The mapped file.
  public let file: MappedFile
  private let indices: [String: Int]

  /// Opens a file.
  ///
  /// - Throws: ``FormatError`` for whatever breaks a rule of the format, for element types that Jet
  ///   does not read, and for one part of a model that was split into several files.
  public init(_ url: URL) throws(FormatError) {
    let file = try MappedFile(url)
    let header = try file.withBytes(in: 0..<file.size) { bytes throws(FormatError) in
      try GGUFHeader(bytes, file: file.path)
    }
    self.file = file
    version = header.version
    metadata = header.metadata
    tensors = header.entries.map { StoredTensor(entry: $0, file: file) }
    names = header.entries.map(\.name).sorted()
    indices = Dictionary(
      uniqueKeysWithValues: header.entries.enumerated().map { ($1.name, $0) })
    if contains("split.count"), try integer("split.count") > 1 {
      throw FormatError(
        .unsupportedFile, file: path,
        "the file is one of \(try integer("split.count")) parts of a model",
        advice: "merge the parts into one file with llama.cpp's gguf-split")
    }
  }

  /// The path of the file.
  public var path: String { file.path }

  /// The tensor of that name; nil if there is none.
  public subscript(name: String) -> StoredTensor? { indices[name].map { tensors[$0] } }
}
