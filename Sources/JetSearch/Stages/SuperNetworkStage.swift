import Foundation
import JetModels
import JetTensor
import JetTraining

/// Stage 1: attention and a linear path in each layer, trained once for all placements.
struct SuperNetworkStage {
  let session: SearchSession
  private static let stage = SearchStage.superNetwork

  /// What is known of the trained network.
  struct Summary: Codable, Hashable {
    /// Names the weights.
    var identity: String
    /// What the training took.
    var record: StageRecord
  }

  private var file: URL { session.folder.url.appending(path: "super_network.safetensors") }

  /// The trained network and its identity.
  func run() throws -> (network: SuperNetwork, summary: Summary) {
    let network = try made()
    let training = session.folder.training(Self.stage, "training")
    if let known = try known() {
      try network.load(from: file)
      try session.folder.removeCheckpoints(of: training)
      return (network, known)
    }
    var record = StageRecord()
    let phases = try phases()
    for (index, phase) in phases.enumerated() {
      try session.continueOrStop()
      let folder = RunFolder(training.appending(path: phase.name))
      try session.begin(Self.stage, phase.name, index + 1, of: phases.count, training: folder.url)
      let parameters = try network.trainedParameters(rules: phase.configuration.rules)
      let trainer = try Trainer(
        phase.configuration, parameters: parameters,
        objective: SuperNetworkTraining(network, phase.mode, parameters: parameters),
        shards: session.shards, folder: folder)
      trainer.report = {
        session.tell(
          Self.stage, phase.name, index + 1, of: phases.count, $0,
          phaseTokens: phase.configuration.tokenCount)
      }
      trainer.shouldStop = session.shouldStop
      guard try trainer.run() == .finished else { throw SearchStopped(session.folder) }
      parameters.publish()
      record.add(try self.record(phase, folder))
    }
    try network.save(to: file)
    let summary = Summary(identity: try network.identity(), record: record)
    try session.journal.record(summary, stage: Self.stage.rawValue, name: "network")
    try session.folder.removeCheckpoints(of: training)
    return (network, summary)
  }

  /// The network if it was trained before.
  func trained() throws -> (network: SuperNetwork, summary: Summary)? {
    guard let known = try known() else { return nil }
    let network = try made()
    try network.load(from: file)
    return (network, known)
  }

  private func known() throws -> Summary? {
    try session.journal.result(Summary.self, stage: Self.stage.rawValue, name: "network")
  }

  private func made() throws -> SuperNetwork {
    let configuration = session.configuration
    let linear = try SearchPlan.linear(
      configuration.superNetwork.linear, session.teacher.configuration)
    return try withTorchErrors {
      try SuperNetwork(
        teacher: session.teacher, linear: linear, window: session.window, seed: configuration.seed,
        calibration: try calibration())
    }
  }

  private func calibration() throws -> PackedBatch? {
    let configuration = session.configuration
    let tokens = configuration.training.calibrationTokens
    guard tokens > 0 else { return nil }
    let length = min(configuration.data.sequenceLength, tokens)
    var stream = try TokenStream(
      session.shards, blockLength: length, seed: configuration.seed &+ 1)
    return try stream.batch(
      sequences: max(1, tokens / length), length: length, device: configuration.runDevice)
  }

  private struct Phase {
    let name: String
    let mode: SuperNetworkTraining.Mode
    let configuration: TrainingConfiguration
  }

  private func phases() throws -> [Phase] {
    let configuration = session.configuration
    let own = configuration.superNetwork
    var phases = [
      Phase(
        name: "layers", mode: .layers,
        configuration: configuration.training(
          own.layers, rules: SuperNetwork.rules(attention: false)))
    ]
    if own.paths.tokens > 0 {
      let hasWindows = try session.window != nil
      // Sparse placements are what is searched: numbers of full layers around those are drawn half of the time.
      let most = min(
        session.teacher.configuration.mixers.count, 2 * (configuration.placement.sizes.max() ?? 8))
      let sampling = PathSampling(
        counts: 0...most, windowProbability: hasWindows ? 0.25 : 0)
      phases.append(
        Phase(
          name: "paths", mode: .paths(loss(own), sampling, seed: configuration.seed &+ 2),
          configuration: configuration.training(
            own.paths, rules: SuperNetwork.rules(attention: true))))
    }
    return phases
  }

  private func loss(_ own: SuperNetworkConfiguration) -> PathLoss {
    PathLoss(
      feature: own.feature,
      logits: own.divergence + own.crossEntropy > 0
        ? LogitLoss(crossEntropy: own.crossEntropy, divergence: own.divergence) : nil)
  }

  private func record(_ phase: Phase, _ folder: RunFolder) throws -> StageRecord {
    let teacher = session.teacher.configuration
    var student = teacher
    let linear = try SearchPlan.linear(session.configuration.superNetwork.linear, teacher)
    student.mixers = teacher.mixers.map { _ in linear }
    let loss: TrainingPhase.Loss =
      phase.name == "layers" ? .layers : .logits(LogitLoss(crossEntropy: 0, divergence: 1))
    let same = TrainingPhase(name: phase.name, loss: loss, configuration: phase.configuration)
    var record = StageRecord()
    record.tokens = phase.configuration.tokenCount
    record.operations = same.operations(teacher: teacher, student: student)
    record.seconds = try folder.trainingSeconds()
    return record
  }
}
