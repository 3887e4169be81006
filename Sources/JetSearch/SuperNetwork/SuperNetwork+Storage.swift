public import Foundation
import JetFormats
import JetModels
import JetTensor

extension SuperNetwork {
  /// Writes the trained weights to a safetensors file, which appears whole or not at all.
  ///
  /// The frozen weights are not in it: make the super network from the same teacher to load it.
  ///
  /// - Parameters:
  ///   - url: the file.
  ///   - prefixes: where the names of what is written begin; all when nil.
  /// - Throws: ``SearchError`` for a type that is not stored, `FormatError` when the file cannot be written.
  public func save(to url: URL, prefixes: [String]? = nil) throws {
    guard let type = Self.storedTypes[dtype] else {
      throw SearchError(
        "\(url.path): weights are not stored as \(dtype); make the super network in float32 or "
          + "bfloat16")
    }
    let tensors = stored(prefixes).map { parameter in
      TensorToWrite(name: parameter.name, elementType: type, shape: parameter.tensor.shape) {
        output in
        let plain = try withTorchErrors { parameter.tensor.detached().to(.cpu).contiguous() }
        try plain.withBytes { try output.write($0) }
      }
    }
    try SafetensorsWriter.write(
      tensors, to: url, metadata: ["format": "pt", "jet.linear": try linearText()])
  }

  /// Reads trained weights that ``save(to:)`` wrote; before ``trainedParameters(rules:)``, which copies them.
  ///
  /// Nothing is changed unless the whole file fits.
  ///
  /// - Parameters:
  ///   - url: the file.
  ///   - prefixes: where the names of what is read begin; all when nil.
  /// - Throws: ``SearchError`` when the file is of another super network, `FormatError` when it is damaged.
  public func load(from url: URL, prefixes: [String]? = nil) throws {
    let file = try SafetensorsFile(url)
    guard file.metadata["jet.linear"] == (try linearText()) else {
      throw SearchError(
        "\(url.path) holds other linear mixers than \(linear.kind) as it is configured; load it with "
          + "the configuration that it was trained with")
    }
    let wanted = stored(prefixes)
    let known = Set(wanted.map(\.name))
    if let other = file.names.first(where: { !known.contains($0) }) {
      throw SearchError(
        "\(url.path) holds '\(other)', which this super network does not have; load it with the "
          + "teacher that it was trained with")
    }
    for parameter in wanted {
      let entry = try file.tensor(parameter.name).entry
      guard entry.shape == parameter.tensor.shape, Self.storedTypes[dtype] == entry.elementType
      else {
        throw SearchError(
          "\(url.path): '\(parameter.name)' is \(entry.elementType.rawValue) \(entry.shape); expected "
            + "\(dtype) \(parameter.tensor.shape)")
      }
    }
    for parameter in wanted {
      var values = [Float](repeating: 0, count: parameter.tensor.count)
      let stored = try file.tensor(parameter.name)
      try values.withUnsafeMutableBufferPointer { try stored.read(into: $0) }
      try withTorchErrors {
        withoutGradients {
          parameter.tensor.detached().assign(Tensor(values, shape: parameter.tensor.shape))
        }
      }
    }
  }

  private func stored(_ prefixes: [String]?) -> [Parameter] {
    guard let prefixes else { return parameters.parameters }
    return parameters.parameters.filter { prefixes.contains(where: $0.name.hasPrefix) }
  }

  private func linearText() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(linear), as: UTF8.self)
  }

  private static let storedTypes: [DType: ElementType] = [
    .float32: .float32, .bfloat16: .bfloat16, .float16: .float16,
  ]
}
