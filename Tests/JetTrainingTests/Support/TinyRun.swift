import Foundation
import JetModels
import JetTensor

@testable import JetTraining

/// A small distillation that can be begun again from its folder alone.
struct TinyRun {
  /// Draws a weight of each step's loss, so that a generator's state matters.
  final class Wobble: Objective {
    let inner: any Objective
    let generator: Generator

    init(_ inner: any Objective, seed: UInt64) {
      self.inner = inner
      generator = Generator(seed: seed)
    }

    var generators: [String: Generator] { ["wobble": generator] }
    var models: [HybridModel] { inner.models }

    func accumulate(
      _ batch: PackedBatch, scale: Double, into gradients: GradientSums
    ) throws -> [String: Tensor] {
      let factor = Tensor.randomUniform([], generator: generator).item(as: Double.self) + 0.5
      return try inner.accumulate(batch, scale: scale * factor, into: gradients)
    }
  }

  static let configuration = TrainingConfiguration(
    steps: 30,
    stages: [
      LengthStage(step: 0, length: 16, sequences: 2),
      LengthStage(step: 11, length: 40, sequences: 1),
    ], accumulation: 2, optimizer: AdamWConfiguration(learningRate: 1e-2),
    schedule: Schedule(warmupSteps: 3, decaySteps: 10), dataSeed: 4, reportInterval: 4,
    checkpointInterval: 6)

  let teacher: HybridModel
  let student: HybridModel
  let trainer: Trainer

  init(
    _ folder: URL?, shards: URL, configuration: TrainingConfiguration = Self.configuration,
    dtype: DType = .float32, teacherSeed: UInt64 = 1
  ) throws {
    teacher = try TinyModels.model([TinyModels.attention, TinyModels.attention], seed: teacherSeed)
    student = try Conversion.student(
      of: teacher, mixers: [TinyModels.gatedDeltaNet, TinyModels.jet], dtype: dtype, seed: 2)
    let parameters = try TrainedParameters(of: student, rules: configuration.rules)
    let layers = try LayerDistillation(teacher: teacher, student: student, parameters: parameters)
    trainer = try Trainer(
      configuration, parameters: parameters, objective: Wobble(layers, seed: 5),
      shards: TokenShardList.open(shards), folder: folder.map { RunFolder($0) })
  }

  static func makeShards(_ folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    _ = try TestShards.shard(
      TestShards.documents(count: 40, seed: 1), to: folder.appending(path: "train-00000.tokens"))
    try TokenShardList(shards: ["train-00000.tokens"]).write(to: folder)
  }

  /// All weights, bit for bit.
  var weights: [[Float]] { student.parameters.leaves.map { $0.array(of: Float.self) } }
}
