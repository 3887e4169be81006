/// A file or folder of named tensors: what a loader of models needs to know of a format.
public protocol TensorContainer: Sendable {
  /// The names of all tensors, sorted.
  var names: [String] { get }

  /// The path that errors name.
  var path: String { get }

  /// The tensor of that name; nil if there is none.
  subscript(name: String) -> StoredTensor? { get }
}

extension TensorContainer {
  /// The tensor of that name.
  ///
  /// - Throws: ``FormatError/Fault/missingTensor``, with the names that resemble it most.
  public func tensor(_ name: String) throws(FormatError) -> StoredTensor {
    if let found = self[name] { return found }
    let last = name.split(separator: ".").suffix(2).joined(separator: ".")
    let similar = names.filter { !last.isEmpty && $0.hasSuffix(last) }.prefix(3).map(quoted)
    let hint =
      similar.isEmpty ? "" : ", though it has " + similar.joined(separator: ", ")
    throw FormatError(
      .missingTensor, file: path, tensor: name,
      "there is no such tensor among \(names.count)\(hint)",
      advice: "check that the file belongs to this model")
  }
}
