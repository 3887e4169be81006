public import Foundation
import JetCheckpoint
public import JetModels
import JetTensor
public import JetTraining

/// One architecture trained from its teacher: converted, calibrated, and taken through phases.
///
/// The same values, teacher, shards and folder give the same weights bit for bit, however often the work was killed on
/// the way: each phase is a ``RunFolder``.
public struct TrainingJob {
  /// The mixer of each layer.
  public var mixers: [MixerConfiguration]
  /// In order, each from where the one before ended.
  public var phases: [TrainingPhase]
  /// Draws what does not come from the teacher, and orders the data.
  public var seed: UInt64
  /// Tokens on which new layers are calibrated; 0 for none.
  public var calibrationTokens: Int
  /// Whether layers run again when their gradients are due, in place of keeping what is inside them.
  public var recomputes: Bool

  /// A job with all its values.
  public init(
    mixers: [MixerConfiguration], phases: [TrainingPhase], seed: UInt64, calibrationTokens: Int,
    recomputes: Bool = true
  ) {
    self.mixers = mixers
    self.phases = phases
    self.seed = seed
    self.calibrationTokens = calibrationTokens
    self.recomputes = recomputes
  }

  /// Told each report of a phase, by its name.
  public typealias Report = (_ phase: String, StepReport) -> Void

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - folder: holds a run for each phase.
  ///   - beginning: given the converted student before its training, to change what it begins with.
  ///   - shouldStop: asked after each step.
  /// - Returns: the trained model; nil when it was stopped, and then a checkpoint holds all.
  /// - Throws: what models, data and training throw.
  public func run(
    teacher: HybridModel, shards: [TokenShard], folder: URL,
    beginning: (HybridModel) throws -> Void = { _ in }, report: @escaping Report = { _, _ in },
    shouldStop: @escaping () -> Bool = { false }
  ) throws -> HybridModel? {
    let student = try withTorchErrors {
      try Conversion.student(of: teacher, mixers: mixers, seed: seed)
    }
    if calibrationTokens > 0 {
      let batch = try calibrationBatch(shards, teacher)
      _ = try withTorchErrors { Conversion.calibrate(student, to: teacher, on: batch) }
    }
    try withTorchErrors { try beginning(student) }
    for phase in phases {
      let parameters = try TrainedParameters(of: student, rules: phase.configuration.rules)
      let trainer = try Trainer(
        phase.configuration, parameters: parameters,
        objective: phase.objective(
          teacher: teacher, student: student, parameters: parameters, recomputes: recomputes),
        shards: shards, folder: RunFolder(folder.appending(path: phase.name)))
      trainer.report = { report(phase.name, $0) }
      trainer.shouldStop = shouldStop
      if shouldStop() { return nil }
      guard try trainer.run() == .finished else { return nil }
      parameters.publish()
    }
    for leaf in student.parameters.leaves { leaf.requiringGradient(false) }
    return student
  }

  private func calibrationBatch(
    _ shards: [TokenShard], _ teacher: HybridModel
  ) throws -> PackedBatch {
    let longest = phases.map { $0.configuration.stages[0].length }.max() ?? 512
    let length = min(longest, calibrationTokens)
    var stream = try TokenStream(shards, blockLength: length, seed: seed &+ 1)
    return try stream.batch(
      sequences: max(1, calibrationTokens / length), length: length,
      device: teacher.embedding.device)
  }

  /// What the phases take.
  func record(teacher: ModelConfiguration, folder: URL) throws -> StageRecord {
    var student = teacher
    student.mixers = mixers
    var record = StageRecord()
    for phase in phases {
      record.tokens += phase.configuration.tokenCount
      record.operations += phase.operations(
        teacher: teacher, student: student, recomputes: recomputes)
      record.seconds += try RunFolder(folder.appending(path: phase.name)).trainingSeconds()
    }
    return record
  }
}

extension RunFolder {
  /// Seconds of all steps that were reported.
  func trainingSeconds() throws -> Double {
    var (sum, tokens) = (0.0, 0)
    for report in try reports() {
      if report.tokensPerSecond > 0 {
        sum += Double(report.tokens - tokens) / report.tokensPerSecond
      }
      tokens = report.tokens
    }
    return sum
  }
}
