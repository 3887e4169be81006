public import Foundation
import JetKernels

/// All that a run of PostNAS depends on beside the files that it names.
///
/// Each default is written once, here and in the parts; a file that says nothing but `teacher`, `data.train` and
/// `data.validation` is a configuration.
public struct SearchConfiguration: Codable, Hashable, Sendable {
  /// A folder with `config.json`, or a `.gguf` file.
  public var teacher = ""
  /// Where the run computes: `cpu`, `cuda` or `cuda:1`.
  public var device = "cpu"
  /// The type of weights and activations; what is trained has float32 masters. A file that is read has no
  /// ``NumberType/auto`` afterwards.
  public var dtype = NumberType.bfloat16
  /// Threads of the CPU; one for each core when nil.
  public var threads: Int?
  /// Start of all random numbers.
  public var seed: UInt64 = 0
  /// Texts.
  public var data = DataConfiguration()
  /// What all training has in common.
  public var training = TrainingDefaults()
  /// Stage 1.
  public var superNetwork = SuperNetworkConfiguration()
  /// Stage 2.
  public var placement = PlacementConfiguration()
  /// Stage 3.
  public var blocks = BlocksConfiguration()
  /// Stage 4.
  public var newBlock = NewBlockConfiguration()
  /// Stage 5.
  public var grid = GridConfiguration()
  /// Stage 6.
  public var final = FinalConfiguration()
  /// Stage 7.
  public var evaluation = EvaluationConfiguration()

  /// All defaults.
  public init() {}

  /// The element types of a run.
  public enum NumberType: String, ConfigurationWord {
    case bfloat16
    case float32
    /// `bfloat16` on GPUs and on CPUs that multiply it, `float32` on others, where products of bfloat16 are many times slower.
    case auto

    /// The type that is meant.
    func resolved(device: String) -> NumberType {
      guard self == .auto else { return self }
      return device != "cpu" || FastForm.instructionSet == "avx512bf16" ? .bfloat16 : .float32
    }
  }

  /// Reads a file over the defaults.
  ///
  /// Paths in it start from the file's folder; `teacher` is resolved by `locate`.
  ///
  /// - Parameters:
  ///   - path: a YAML file.
  ///   - locate: the path of a model by what the file calls it.
  /// - Throws: ``SearchError`` with file and line.
  public init(
    contentsOf path: String, locate: (String) throws -> String = { $0 }
  ) throws {
    let text = try ConfigurationFile.text(path)
    let folder = URL(filePath: path).absoluteURL.deletingLastPathComponent()
    try self.init(yaml: text, file: path, folder: folder, locate: locate)
  }

  /// Reads a text over the defaults.
  init(
    yaml: String, file: String, folder: URL, locate: (String) throws -> String = { $0 }
  ) throws {
    self = try ConfigurationFile.values(yaml, over: Self(), file: file)
    try resolve(folder: folder, locate: locate)
    do {
      try validate()
    } catch {
      throw SearchError("\(file): \(error.description)")
    }
  }

  /// Reads what ``json()`` gave.
  init(resolved data: Data, file: String) throws {
    self = try ConfigurationFile.values(
      String(decoding: data, as: UTF8.self), over: Self(), file: file)
  }

  /// All values, resolved; YAML too.
  public func json() throws -> Data { try ConfigurationFile.json(self) + Data("\n".utf8) }

  private mutating func resolve(folder: URL, locate: (String) throws -> String) throws {
    dtype = dtype.resolved(device: device)
    func absolute(_ path: String) -> String {
      path.hasPrefix("/") ? path : folder.appending(path: path).standardizedFileURL.path
    }
    guard !teacher.isEmpty else {
      throw SearchError("'teacher' is missing; name a model's folder or .gguf file")
    }
    let beside = absolute(teacher)
    teacher =
      FileManager.default.fileExists(atPath: beside)
      ? beside : URL(filePath: try locate(teacher)).standardizedFileURL.path
    data.train = data.train.map(absolute)
    data.validation = data.validation.map(absolute)
    evaluation.folder = evaluation.folder.map(absolute)
    evaluation.perplexity = evaluation.perplexity.map(absolute)
    func resolved(_ task: inout TaskReference) {
      if task.isFile { task.task = absolute(task.task) }
    }
    for index in evaluation.tasks.indices { resolved(&evaluation.tasks[index]) }
    for index in placement.objectives.indices {
      if var own = placement.objectives[index].task {
        resolved(&own)
        placement.objectives[index].task = own
      }
    }
  }
}

/// The texts of a run.
public struct DataConfiguration: Codable, Hashable, Sendable {
  /// What is trained on: `.txt` (a document each), `.jsonl` (a document a line), either with `.gz` or `.zst` behind.
  public var train: [String] = []
  /// What is never trained on: its perplexity is reported, divergence is measured on it.
  public var validation: [String] = []
  /// Tokens of a sequence.
  public var sequenceLength = 512
  /// Sequences of a batch.
  public var sequences = 8
  /// Batches of a step.
  public var accumulation = 1
  /// Sequences of ``sequenceLength`` whose loss is the validation loss of a candidate.
  public var validationSequences = 32

  /// Tokens of a step.
  var stepTokens: Int { sequenceLength * sequences * accumulation }
}

/// What all training has in common.
public struct TrainingDefaults: Codable, Hashable, Sendable {
  /// Part of the steps over which the learning rate rises.
  public var warmUp = 0.05
  /// Part of the steps over which it falls.
  public var decay = 0.2
  /// How much weights shrink a step, times the learning rate.
  public var weightDecay = 0.0
  /// The longest that all gradients of a step may be together.
  public var maximumNorm = 1.0
  /// Tokens from one checkpoint to the next.
  public var checkpointTokens = 2_000_000
  /// Tokens from one line of the report to the next.
  public var reportTokens = 50_000
  /// Tokens on which a new layer's gates and scale are set before it is trained; 0 for none.
  public var calibrationTokens = 2048
  /// Parts in which the layers of the super network and of the final models are trained layer by layer: one after
  /// another in less memory, or at once by as many processes. The result depends on the number of parts.
  public var layerParts = 1
  /// Whether layers run again when their gradients are due, where models are trained from end to end: less memory, a
  /// quarter more work.
  public var recompute = true
}

/// How many tokens something is trained on, and how fast.
public struct TrainingBudget: Codable, Hashable, Sendable {
  /// Tokens that are read; steps follow from them.
  public var tokens: Int
  /// The peak of the learning rate.
  public var learningRate: Double
}
