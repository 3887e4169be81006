public import Foundation

/// A safetensors file, mapped and checked as a whole when it is opened.
public struct SafetensorsFile: TensorContainer {
  /// The names of all tensors, sorted.
  public let names: [String]
  /// The strings of `__metadata__`; empty if it is absent.
  public let metadata: [String: String]
  /// The mapped file.
  public let file: MappedFile
  private let entries: [String: TensorEntry]

  /// Opens a file.
  ///
  /// - Throws: ``FormatError`` for whatever breaks a rule of the format; nothing of a faulty file
  ///   is read.
  /// - Complexity: O(n log n) in the number of tensors; no tensor is touched.
  public init(_ url: URL) throws(FormatError) {
    let file = try MappedFile(url)
    let header = try file.withBytes(in: 0..<file.size) { bytes throws(FormatError) in
      try SafetensorsHeader(bytes, file: file.path)
    }
    self.file = file
    metadata = header.metadata
    entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
    names = header.entries.map(\.name).sorted()
  }

  /// The path of the file.
  public var path: String { file.path }

  /// The tensor of that name; nil if there is none.
  public subscript(name: String) -> StoredTensor? {
    entries[name].map { StoredTensor(entry: $0, file: file) }
  }
}
