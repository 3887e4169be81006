public import Foundation
import JetFormats
public import JetModels
public import JetTensor

extension HybridModel {
  /// Writes the model as a folder with `config.json` and safetensors, under the names of the released code.
  ///
  /// ``Checkpoint``, transformers and the released Jet-Nemotron code load it; the tokenizer's files are not written.
  /// Each file appears whole or not at all, the configuration after the weights. An error removes what this call has
  /// put into the folder, and leaves a model of one file that was there before as it was.
  ///
  /// - Parameters:
  ///   - folder: made where there is none. Weights in several files need a folder without weights.
  ///   - dtype: the type of the stored numbers; that of the model when nil.
  ///   - maximumShardBytes: most bytes of tensors in a file.
  /// - Throws: ``CheckpointError`` for a model that `config.json` cannot express or a type that is not stored,
  ///   `FormatError` when there is no room or the folder cannot be written.
  public func save(
    to folder: URL, dtype: DType? = nil, maximumShardBytes: Int = 5_000_000_000
  ) throws {
    let dtype = dtype ?? self.dtype
    guard let elementType = Self.storedTypes[dtype] else {
      throw CheckpointError(
        "\(folder.path): weights are not stored as \(dtype); choose float32, bfloat16 or float16")
    }
    let text = try configuration.huggingFace(dtype: dtype).written() + "\n"
    let tensors = parameters.parameters.map { parameter in
      TensorToWrite(
        name: parameter.name, elementType: elementType, shape: parameter.tensor.shape
      ) { output in
        let stored = try withTorchErrors {
          parameter.tensor.detached().to(dtype).to(.cpu).contiguous()
        }
        try stored.withBytes { try output.write($0) }
      }
    }
    try Self.cleaningUp(folder) {
      try SafetensorsWriter.write(tensors, toFolder: folder, maximumShardBytes: maximumShardBytes)
      try AtomicFile.write(Data(text.utf8), to: folder.appending(path: "config.json"))
    }
  }

  private static let storedTypes: [DType: ElementType] = [
    .float32: .float32, .bfloat16: .bfloat16, .float16: .float16,
  ]

  /// Runs `body` with the folder made; after an error nothing is left in it that was not there before.
  private static func cleaningUp(_ folder: URL, _ body: () throws -> Void) throws {
    let files = FileManager.default
    let isNew = !files.fileExists(atPath: folder.path)
    do {
      try files.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw CheckpointError(
        "\(folder.path) cannot be made: \(error.localizedDescription); check its path and permissions"
      )
    }
    let before = Set(try files.contentsOfDirectory(atPath: folder.path))
    do {
      try body()
    } catch {
      // The error is what matters; that a file of a full disk cannot be removed either is not worth another.
      let after = (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
      for name in after where !before.contains(name) && isOurs(name) {
        try? files.removeItem(at: folder.appending(path: name))
      }
      if isNew { rmdir(folder.path) }
      throw error
    }
  }

  private static func isOurs(_ name: String) -> Bool {
    name == "config.json" || name == "model.safetensors.index.json"
      || (name.hasPrefix("model") && name.hasSuffix(".safetensors"))
  }
}
