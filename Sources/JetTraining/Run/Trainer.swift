import Foundation
import JetTensor

/// The loop that trains: batches in, gradients summed, a step of the optimizer, reports and checkpoints on the way.
///
/// Killed at any moment and begun again with the same values, model and data, a run gives bit for bit what it would have
/// given, on the same device with the same number of threads.
public final class Trainer {
  /// How a call to ``run(until:)`` ended.
  public enum Outcome: Hashable, Sendable {
    /// All steps are done.
    case finished
    /// Steps are left; a checkpoint holds the present one where there is a folder.
    case stopped
  }

  /// The values of the run.
  public let configuration: TrainingConfiguration
  /// The optimizer and its state.
  public let optimizer: AdamW
  /// Steps done.
  public private(set) var step = 0
  /// Steps whose gradients were not finite.
  public private(set) var skipped = 0
  /// Given each line of the report.
  public var report: (StepReport) -> Void = { _ in }
  /// Asked after each step whether to end here.
  public var shouldStop: () -> Bool = { false }

  private let objective: any Objective
  private let folder: RunFolder?
  private let device: Device
  private var data: TokenStream
  private var skippedInARow = 0
  private var lossSums: [String: Tensor] = [:]
  private var lossCount = 0
  private var clock: (start: ContinuousClock.Instant, step: Int, tokens: Int)
  /// Since the last report; nil where the objective does not tell.
  private var operations: Double? = 0
  private var peak: Double?
  private var frozenWeights = ""
  private var lastNorm = 0.0

  /// A run, resumed from the newest checkpoint of `folder` where there is one.
  ///
  /// - Parameters:
  ///   - parameters: what is trained, chosen by the configuration's rules.
  ///   - objective: over the same parameters.
  ///   - shards: the data.
  ///   - folder: where reports and checkpoints go; nil for none.
  /// - Throws: ``TrainingError`` when values, data or checkpoint do not fit.
  public init(
    _ configuration: TrainingConfiguration, parameters: TrainedParameters,
    objective: any Objective, shards: [TokenShard], folder: RunFolder? = nil
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    self.objective = objective
    self.folder = folder
    device = parameters.leaves[0].master.device
    optimizer = AdamW(parameters, configuration.optimizer)
    data = try TokenStream(
      shards, blockLength: configuration.maximumLength, seed: configuration.dataSeed)
    clock = (ContinuousClock.now, 0, 0)
    if let folder { try resume(folder, shards) }
  }

  private func resume(_ folder: RunFolder, _ shards: [TokenShard]) throws {
    try folder.begin(configuration)
    frozenWeights = try FrozenWeights.fingerprint(of: objective.models)
    if let last = try folder.checkpointSteps().last {
      let state = try TrainingCheckpoint.read(folder.checkpoint(last), into: optimizer)
      guard state.frozenWeights == frozenWeights else {
        throw TrainingError(
          "\(folder.checkpoint(last).path) was made with other frozen weights, in the teacher or the "
            + "student; resume with the teacher, mixers and seed that the run began with")
      }
      (step, skipped, skippedInARow) = (state.step, state.skipped, state.skippedInARow)
      data = try TokenStream(
        shards, blockLength: configuration.maximumLength, seed: configuration.dataSeed,
        position: state.data)
      for (name, generator) in objective.generators {
        guard let saved = state.generators[name] else {
          throw TrainingError(
            "\(folder.checkpoint(last).path) lacks the generator '\(name)'; resume with the "
              + "objective that the run began with")
        }
        generator.state = [UInt8](saved)
      }
      lossSums = state.lossSums.mapValues { Tensor(scalar: $0).to(device) }
      lossCount = state.lossCount
    }
    try folder.truncateMetrics(after: step)
    clock = (ContinuousClock.now, step, data.position.tokens)
  }

  /// Trains to the end, or to `limit` steps where it is given.
  ///
  /// - Throws: ``TrainingError`` when too many steps in a row are not finite, and whatever data, objective and disk throw.
  public func run(until limit: Int? = nil) throws -> Outcome {
    let end = min(configuration.steps, limit ?? configuration.steps)
    clock = (ContinuousClock.now, step, data.position.tokens)
    operations = 0
    while step < end {
      try takeStep()
      let isLast = step == configuration.steps
      if step % configuration.reportInterval == 0 || isLast { try makeReport() }
      let stops = !isLast && (step == end || shouldStop())
      if step % configuration.checkpointInterval == 0 || isLast || stops { try save() }
      if stops { return .stopped }
    }
    return step == configuration.steps ? .finished : .stopped
  }

  private func takeStep() throws {
    let stage = configuration.stage(at: step)
    let sums = GradientSums(count: optimizer.parameters.leaves.count)
    var losses: [String: Tensor] = [:]
    let scale = 1 / Double(configuration.accumulation)
    for _ in 0..<configuration.accumulation {
      let batch = try data.batch(
        sequences: stage.sequences, length: stage.length, device: device)
      let own = try withTorchErrors {
        try objective.accumulate(batch, scale: scale, into: sums)
      }
      let counted = objective.operations(sequences: stage.sequences, length: stage.length)
      operations = operations.flatMap { sum in counted.map { sum + $0 } }
      withoutGradients {
        for (name, loss) in own {
          let part = loss.to(.float64) * scale
          losses[name] = losses[name].map { $0 + part } ?? part
        }
      }
    }
    let fraction = configuration.schedule.fraction(step: step, of: configuration.steps)
    switch try withTorchErrors({ optimizer.step(sums, rateFraction: fraction) }) {
    case .stepped(let norm):
      (lastNorm, skippedInARow) = (norm, 0)
      withoutGradients {
        for (name, loss) in losses { lossSums[name] = lossSums[name].map { $0 + loss } ?? loss }
      }
      lossCount += 1
    case .skipped:
      lastNorm = .nan
      skipped += 1
      skippedInARow += 1
      guard skippedInARow < configuration.maximumSkips else {
        throw TrainingError(
          "the gradients of \(skippedInARow) steps in a row up to step \(step + 1) were not finite; "
            + "lower the learning rate or lengthen the warm-up, and resume")
      }
    }
    step += 1
  }

  private func makeReport() throws {
    device.synchronize()
    let seconds = (ContinuousClock.now - clock.start) / .seconds(1)
    let means = lossSums.mapValues { $0.item(as: Double.self) / Double(max(1, lossCount)) }
    let tokens = data.position.tokens
    let rate =
      configuration.optimizer.learningRate
      * configuration.schedule.fraction(step: step - 1, of: configuration.steps)
    let made = StepReport(
      step: step, steps: configuration.steps, loss: means["loss"] ?? .nan,
      parts: means.filter { $0.key != "loss" }, rate: rate, gradientNorm: lastNorm,
      tokens: tokens, tokensPerSecond: Double(tokens - clock.tokens) / max(seconds, 1e-9),
      skipped: skipped, memoryBytes: MemoryUse.bytes(on: device) ?? 0,
      secondsLeft: seconds / Double(max(1, step - clock.step)) * Double(configuration.steps - step),
      peakShare: try operations.map { try $0 / max(seconds, 1e-9) / measuredPeak() })
    report(made)
    try folder?.append(made)
    lossSums = [:]
    lossCount = 0
    operations = 0
    clock = (ContinuousClock.now, step, tokens)
  }

  /// The device's peak, measured before the first report that needs it.
  private func measuredPeak() throws -> Double {
    if let peak { return peak }
    let measured = try DevicePeak.measured(
      on: device, dtype: optimizer.parameters.leaves[0].computed.dtype)
    peak = measured
    return measured
  }

  private func save() throws {
    guard let folder else { return }
    let state = TrainingCheckpoint(
      step: step, optimizerSteps: optimizer.stepCount, skipped: skipped,
      skippedInARow: skippedInARow, data: data.position,
      generators: objective.generators.mapValues { Data($0.state) },
      lossSums: lossSums.mapValues { $0.item(as: Double.self) }, lossCount: lossCount,
      frozenWeights: frozenWeights)
    try folder.write(step: step, keeping: configuration.keptCheckpoints) { url in
      try state.write(optimizer, to: url)
    }
  }
}
