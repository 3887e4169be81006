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
    let folder = session.folder.training(Self.stage, "training")
    var isTrained = false
    if try known() == nil {
      let phases = try layerPhases()
      let records = try session.all(Self.stage, phases, name: { "part/\($0.name)" }) { phase in
        let record = try train(network, phase, in: folder)
        try network.save(to: weights(phase, in: folder), prefixes: phase.prefixes)
        return record
      }
      _ = try session.once(Self.stage, "network") { () -> Summary in
        for phase in phases {
          try network.load(from: weights(phase, in: folder), prefixes: phase.prefixes)
        }
        var record = records.dropFirst().reduce(into: records[0]) { $0.add(part: $1) }
        if let paths = try pathPhase() {
          record.add(try train(network, paths, in: folder))
        }
        try network.save(to: file)
        isTrained = true
        return Summary(identity: try network.identity(), record: record)
      }
    }
    guard let summary = try known() else {
      throw SearchError("the journal lost the super network; check the disk")
    }
    if !isTrained { try network.load(from: file) }
    try session.folder.removeCheckpoints(of: folder)
    for phase in try layerPhases() { try SearchFolder.remove(weights(phase, in: folder)) }
    return (network, summary)
  }

  /// A phase from its last checkpoint to its end.
  private func train(_ network: SuperNetwork, _ phase: Phase, in folder: URL) throws -> StageRecord
  {
    let place = RunFolder(folder.appending(path: phase.name))
    try session.begin(
      Self.stage, phase.name, phase.index, of: phase.count, training: place.url)
    let parameters = try network.trainedParameters(rules: phase.configuration.rules)
    let trainer = try Trainer(
      phase.configuration, parameters: parameters,
      objective: SuperNetworkTraining(
        network, phase.mode, parameters: parameters,
        recomputes: session.configuration.training.recompute),
      shards: session.shards, folder: place)
    trainer.report = {
      session.tell(
        Self.stage, phase.name, phase.index, of: phase.count, $0,
        phaseTokens: phase.configuration.tokenCount)
    }
    trainer.shouldStop = session.shouldStop
    guard try trainer.run() == .finished else {
      throw SearchStopped(session.folder, place: session.place)
    }
    parameters.publish()
    return try record(phase, place)
  }

  /// What a part of the layers learnt, until the whole network is saved.
  private func weights(_ phase: Phase, in folder: URL) -> URL {
    folder.appending(path: "\(phase.name)/weights.safetensors")
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
    /// From 1, among ``count``.
    let index: Int
    let count: Int
    let mode: SuperNetworkTraining.Mode
    let configuration: TrainingConfiguration
    /// Where the names of what is trained begin.
    let prefixes: [String]
    /// The layers whose linear paths are trained.
    let layers: [Int]
  }

  private var hasPaths: Bool { session.configuration.superNetwork.paths.tokens > 0 }

  /// Each linear path learns what its layer's attention gives, the layers in parts.
  private func layerPhases() throws -> [Phase] {
    let configuration = session.configuration
    let parts = LayerPart.of(
      Array(session.teacher.configuration.mixers.indices), count: configuration.training.layerParts)
    return parts.map { part in
      let prefixes = part.layers.map(SuperNetwork.linearPrefix(layer:))
      return Phase(
        name: part.name, index: part.index, count: parts.count + (hasPaths ? 1 : 0), mode: .layers,
        configuration: configuration.training(
          configuration.superNetwork.layers,
          rules: prefixes.map { ParameterRule("\($0)*", trains: true) }), prefixes: prefixes,
        layers: part.layers)
    }
  }

  /// Whole models of drawn placements learn; nil where they are left out.
  private func pathPhase() throws -> Phase? {
    guard hasPaths else { return nil }
    let configuration = session.configuration
    let own = configuration.superNetwork
    let layers = Array(session.teacher.configuration.mixers.indices)
    let hasWindows = try session.window != nil
    // Sparse placements are what is searched: numbers of full layers around those are drawn half of the time.
    let most = min(layers.count, 2 * (configuration.placement.sizes.max() ?? 8))
    let sampling = PathSampling(counts: 0...most, windowProbability: hasWindows ? 0.25 : 0)
    let count = try layerPhases().count + 1
    return Phase(
      name: "paths", index: count, count: count,
      mode: .paths(loss(own), sampling, seed: configuration.seed &+ 2),
      configuration: configuration.training(
        own.paths, rules: SuperNetwork.rules(attention: true)),
      prefixes: [SuperNetwork.attentionPrefix, SuperNetwork.linearPrefix], layers: layers)
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
    for layer in phase.layers { student.mixers[layer] = linear }
    let loss: TrainingPhase.Loss
    switch phase.mode {
    case .layers: loss = .layers
    case .paths: loss = .logits(LogitLoss(crossEntropy: 0, divergence: 1))
    }
    let same = TrainingPhase(name: phase.name, loss: loss, configuration: phase.configuration)
    var record = StageRecord()
    record.tokens = phase.configuration.tokenCount
    record.operations = same.operations(
      teacher: teacher, student: student,
      recomputes: session.configuration.training.recompute)
    record.seconds = try folder.trainingSeconds()
    return record
  }
}
