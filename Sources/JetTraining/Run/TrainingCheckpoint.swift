import Foundation
import JetFormats
import JetTensor

/// All that a run goes on from: numbers in `state.json`, weights and moments in `training.safetensors`.
struct TrainingCheckpoint: Codable {
  static let version = 2
  static let stateName = "state.json"
  static let tensorsName = "training.safetensors"

  var version = Self.version
  var step: Int
  var optimizerSteps: Int
  var skipped: Int
  var skippedInARow: Int
  var data: TokenStream.Position
  /// States of the objective's generators, as base 64.
  var generators: [String: Data]
  /// Sums of the losses since the last report, and how many steps they are of.
  var lossSums: [String: Double]
  var lossCount: Int
  /// ``FrozenWeights/fingerprint(of:)`` of the objective's models.
  var frozenWeights: String

  /// Writes the checkpoint into an empty folder.
  func write(_ optimizer: AdamW, to folder: URL) throws {
    try SafetensorsWriter.write(
      Self.tensors(optimizer).map { name, tensor in
        TensorToWrite(name: name, elementType: .float32, shape: tensor.shape) { output in
          let plain = try withTorchErrors { tensor.detached().to(.cpu).contiguous() }
          try plain.withBytes { try output.write($0) }
        }
      }, to: folder.appending(path: Self.tensorsName))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try AtomicFile.write(encoder.encode(self), to: folder.appending(path: Self.stateName))
  }

  /// Reads a checkpoint: its tensors into the optimizer's memory, its numbers as the result.
  ///
  /// - Throws: ``TrainingError`` when it is of another run, `FormatError` when it is damaged.
  static func read(_ folder: URL, into optimizer: AdamW) throws -> TrainingCheckpoint {
    let url = folder.appending(path: stateName)
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw TrainingError(
        "\(url.path) is absent; remove this checkpoint to resume from an older one")
    }
    let state: TrainingCheckpoint
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      state = try decoder.decode(TrainingCheckpoint.self, from: data)
    } catch {
      throw TrainingError(
        "\(url.path) cannot be read; remove this checkpoint to resume from an older one")
    }
    guard state.version == version else {
      throw TrainingError(
        "\(url.path) is of version \(state.version); this program reads \(version)")
    }
    let file = try SafetensorsFile(folder.appending(path: tensorsName))
    let tensors = tensors(optimizer)
    let expected = Set(tensors.map(\.name))
    if let other = file.names.first(where: { !expected.contains($0) }) {
      throw TrainingError(
        "\(file.path) holds '\(other)', which this run does not train; resume with the same rules")
    }
    // All are checked before the first is changed.
    for (name, tensor) in tensors {
      let entry = try file.tensor(name).entry
      guard entry.shape == tensor.shape, entry.elementType == .float32 else {
        throw TrainingError(
          "\(file.path): '\(name)' is \(entry.elementType.rawValue) \(entry.shape); expected F32 "
            + "\(tensor.shape)")
      }
    }
    for (name, tensor) in tensors {
      var values = [Float](repeating: 0, count: tensor.count)
      let stored = try file.tensor(name)
      try values.withUnsafeMutableBufferPointer { try stored.read(into: $0) }
      withoutGradients { tensor.assign(Tensor(values, shape: tensor.shape)) }
    }
    optimizer.stepCount = state.optimizerSteps
    optimizer.parameters.publish()
    return state
  }

  /// Weights and moments by name, parts of merged leaves apart.
  private static func tensors(_ optimizer: AdamW) -> [(name: String, tensor: Tensor)] {
    optimizer.parameters.leaves.enumerated().flatMap { index, leaf in
      [
        ("weight", leaf.master), ("moment1", optimizer.firstMoments[index]),
        ("moment2", optimizer.secondMoments[index]),
      ].flatMap { kind, tensor in
        leaf.parts(of: tensor).map { ("\(kind):\($0.name)", $0.tensor) }
      }
    }
  }
}
