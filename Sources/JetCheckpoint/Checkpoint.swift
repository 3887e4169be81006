import Foundation
import JetFormats
public import JetModels
public import JetTensor

/// A model on disk: its configuration at once, its weights, tokenizer and chat template when they are asked for.
///
/// ```swift
/// let checkpoint = try Checkpoint("models/SmolLM2-135M-Instruct")
/// let model = try checkpoint.model()
/// let tokenizer = try checkpoint.tokenizer()
/// ```
public struct Checkpoint: Sendable {
  /// The folder or file.
  public let path: String
  /// The model's shape.
  public let configuration: ModelConfiguration
  let form: Form
  private let names: any CheckpointNames

  /// What the path leads to.
  enum Form: Sendable {
    case folder(URL, SafetensorsCollection)
    case gguf(GGUFFile)
  }

  /// Opens a folder with `config.json` and safetensors (one file, or several with their index), or a `.gguf` file.
  ///
  /// No weight is read.
  ///
  /// - Throws: ``CheckpointError`` or `FormatError`, naming the file and the fault.
  public init(_ path: String) throws {
    self.path = path
    let url = URL(fileURLWithPath: path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw CheckpointError(
        "\(path) does not exist; expected the folder of a model or a .gguf file")
    }
    if isFolder.boolValue {
      let file = url.appending(path: "config.json")
      guard let data = try SmallFile.contents(of: file) else {
        throw CheckpointError(
          "\(path) has no config.json; expected the folder of a model in Hugging Face's form")
      }
      configuration = try ModelConfiguration(huggingFace: data, file: file.path)
      form = .folder(url, try SafetensorsCollection(folder: url))
      names = HuggingFaceNames()
    } else {
      guard url.pathExtension.lowercased() == "gguf" else {
        throw CheckpointError(
          "\(path) is a file but no .gguf file; give that or the folder that holds config.json")
      }
      let file = try GGUFFile(url)
      let description = try GGUFModelDescription(file)
      configuration = description.configuration
      form = .gguf(file)
      names = description.names
    }
  }

  private var container: any TensorContainer {
    switch form {
    case .folder(_, let collection): collection
    case .gguf(let file): file
    }
  }

  private var entries: [TensorEntry] {
    let container = container
    return container.names.compactMap { container[$0]?.entry }
  }

  /// Bytes of the weights as they are stored.
  public var storedByteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// The element type that the weights are loaded as by default: float32 where most of them are stored so, else
  /// bfloat16.
  public var defaultDType: DType {
    let (entries, wide) = (entries, entries.filter { $0.elementType == .float32 })
    func count(_ entries: [TensorEntry]) -> Int { entries.reduce(0) { $0 + $1.elementCount } }
    return 2 * count(wide) > count(entries) ? .float32 : .bfloat16
  }

  /// Reads the weights.
  ///
  /// Every tensor is checked before the first is read. The file's pages are given back as they are copied, so that
  /// memory holds the weights about once.
  ///
  /// - Parameters:
  ///   - dtype: the type of weights and activations; ``defaultDType`` when nil.
  ///   - device: where the weights go.
  /// - Throws: an error that names the tensor that is missing, of the wrong shape or type, or not the model's.
  public func model(dtype: DType? = nil, device: Device = .cpu) throws -> HybridModel {
    let dtype = dtype ?? defaultDType
    guard dtype.isFloatingPoint else {
      throw CheckpointError(
        "\(path) cannot be loaded as \(dtype); choose float32, bfloat16 or float16")
    }
    let source = CheckpointSource(container, names: names)
    try check(source, dtype: dtype)
    return try HybridModel(
      configuration, parameters: ParameterStore(source: source, dtype: dtype, device: device))
  }

  /// Builds the model over memory that is never touched, which asks for every tensor once.
  private func check(_ source: CheckpointSource, dtype: DType) throws {
    let store = ParameterStore(source: CheckpointInspection(source), dtype: dtype)
    _ = try HybridModel(configuration, parameters: store)
    let known = Set(store.parameters.map { names.stored($0.name) })
    let extra = container.names.filter {
      !known.contains($0) && !names.isDerived($0, tiesEmbeddings: configuration.tiesEmbeddings)
    }
    guard let first = extra.first else { return }
    let more = extra.count == 1 ? "" : " and \(extra.count - 1) more"
    throw CheckpointError(
      "\(path) holds tensor \(shown(first))\(more), which the model does not have; its "
        + "configuration belongs to another model or leaves something out")
  }
}
