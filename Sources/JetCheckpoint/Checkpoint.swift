public import Foundation
import JetFormats
public import JetModels
public import JetTensor

/// A model on disk: its configuration at once, its weights when they are asked for.
public struct Checkpoint {
  /// The folder or file.
  public let path: String
  /// The model's shape.
  public let configuration: ModelConfiguration
  private let container: any TensorContainer
  private let names: any CheckpointNames

  /// Opens a folder with `config.json` and safetensors.
  ///
  /// - Throws: ``CheckpointError``, or the reader's error, naming the file and the fault.
  public init(folder: URL) throws {
    let file = folder.appending(path: "config.json")
    guard FileManager.default.fileExists(atPath: folder.path) else {
      throw CheckpointError("\(folder.path) does not exist; expected the folder of a model")
    }
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw CheckpointError("\(folder.path) has no config.json; expected the folder of a model")
    }
    path = folder.path
    configuration = try ModelConfiguration(huggingFace: data, file: file.path)
    container = try SafetensorsCollection(folder: folder)
    names = HuggingFaceNames()
  }

  /// Reads the weights.
  ///
  /// - Throws: an error that names the tensor that is missing, of the wrong shape, or not the model's.
  public func model(dtype: DType, device: Device = .cpu) throws -> HybridModel {
    let store = ParameterStore(
      source: CheckpointSource(container, names: names), dtype: dtype, device: device)
    let model = try HybridModel(configuration, parameters: store)
    let known = Set(store.parameters.map { names.stored($0.name) })
    let extra = container.names.filter { !known.contains($0) && !isDerived($0) }
    if let first = extra.first {
      throw CheckpointError(
        "\(path) holds \(extra.count) tensors that the model does not have, such as \(first); "
          + "its config.json belongs to another model or leaves something out")
    }
    return model
  }

  /// Whether a tensor can be left out because it follows from others.
  private func isDerived(_ name: String) -> Bool {
    name.hasSuffix("rotary_emb.inv_freq")
      || (configuration.tiesEmbeddings && name == names.stored("lm_head.weight"))
  }
}
