import Foundation
import JetCheckpoint
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetTraining

private let environment = ProcessInfo.processInfo.environment

/// Not a test: how fast a real teacher's mixers are distilled on this machine.
///
/// `JET_DISTILL_MODEL` names a checkpoint and `JET_DISTILL_TEXT` a `.jsonl` file; `JET_DISTILL_STEPS`,
/// `JET_DISTILL_LENGTH`, `JET_DISTILL_SEQUENCES`, `JET_DISTILL_RATE` and `JET_DISTILL_MIXER`, a kind, may be given.
@Suite("Distillation of a real teacher", .enabled(if: environment["JET_DISTILL_MODEL"] != nil))
struct DistillationMeasurement {
  private func number(_ name: String, _ otherwise: Double) -> Double {
    environment["JET_DISTILL_" + name].flatMap { Double($0) } ?? otherwise
  }

  /// At once, also where standard output is a file.
  private func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  @Test("per-layer loss, attention kept in four layers")
  func layers() throws {
    let checkpoint = try Checkpoint(try #require(environment["JET_DISTILL_MODEL"]))
    let text = URL(filePath: try #require(environment["JET_DISTILL_TEXT"]))
    let teacher = try checkpoint.model(dtype: .bfloat16)
    let folder = try TemporaryFolder()
    let started = ContinuousClock.now
    let summary = try TokenShardWriter(
      tokenizer: checkpoint.tokenizer(), vocabularySize: checkpoint.configuration.vocabularySize
    ).write([text], to: folder.url)
    say("\(summary.tokens) tokens in \(ContinuousClock.now - started)")
    let shards = try TokenShardList.open(folder.url)
    let attention = try #require(teacher.configuration.mixers[0].attentionHeads)
    let mixer = try MixerConfiguration.linear(
      kind: environment["JET_DISTILL_MIXER"] ?? GatedDeltaNetConfiguration.kind, like: attention,
      width: teacher.configuration.width)
    let mixers = Conversion.placement(
      teacher.configuration, keeping: [7, 13, 19, 25], mixer: mixer)
    var configuration = TrainingConfiguration(
      steps: Int(number("STEPS", 20)),
      stages: [
        LengthStage(
          length: Int(number("LENGTH", 512)), sequences: Int(number("SEQUENCES", 4)))
      ],
      optimizer: AdamWConfiguration(learningRate: number("RATE", 1e-3)),
      schedule: Schedule(shape: .cosine, warmupSteps: 10), reportInterval: 5)
    for layer in [7, 13, 19, 25] {
      configuration.rules.append(
        ParameterRule("model.layers.\(layer).self_attn.*", trains: false))
    }
    for calibrates in [false, true] {
      let student = try Conversion.student(of: teacher, mixers: mixers, seed: 1)
      if calibrates {
        var stream = try TokenStream(shards, blockLength: 512, seed: 9)
        let errors = Conversion.calibrate(
          student, to: teacher, on: try stream.batch(sequences: 2, length: 512))
        say("error after calibration \(errors.values.reduce(0, +) / Double(errors.count))")
      }
      let parameters = try TrainedParameters(of: student, rules: configuration.rules)
      say("\(parameters.elementCount) numbers are trained")
      let objective = try LayerDistillation(
        teacher: teacher, student: student, parameters: parameters)
      let trainer = try Trainer(
        configuration, parameters: parameters, objective: objective, shards: shards)
      trainer.report = { say($0.line) }
      _ = try trainer.run()
    }
  }
}
