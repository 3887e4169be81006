import Foundation
import JetCheckpoint
import JetModels
import JetTensor
import JetTraining

/// An architecture: where attention stays, and what mixes the tokens elsewhere.
struct SearchedArchitecture: Codable, Hashable {
  var placement: Placement
  var linear: MixerConfiguration
}

/// Stage 6: the searched architecture and its uniform counterpart.
///
/// The new layers learn from the teacher's hidden states, whatever stands in the other layers; so they are trained once
/// for all architectures, and each model goes on from there with all its weights.
struct FinalStage {
  let session: SearchSession
  private static let stage = SearchStage.final

  /// The names of the models, in the order of their training.
  static let names = ["uniform", "searched"]
  /// The name of the training of new layers.
  static let layers = "layers"

  /// Where a trained model lies.
  static func model(_ name: String, in folder: SearchFolder) -> URL {
    folder.url.appending(path: "models/\(name)")
  }

  /// Trains all of them.
  ///
  /// - Precondition: their linear layers are alike.
  func run(_ architectures: [String: SearchedArchitecture]) throws {
    let wanted = Self.names.filter { architectures[$0] != nil }
    let missing = try wanted.filter { try record($0) == nil }
    if !missing.isEmpty {
      let layers = try trainedLayers(wanted.compactMap { architectures[$0] }, of: wanted.count + 1)
      for name in missing {
        guard let own = architectures[name], let index = wanted.firstIndex(of: name) else {
          continue
        }
        try train(name, own, from: layers, index + 2, of: wanted.count + 1)
      }
    }
    try remove(Self.model(Self.layers, in: session.folder))
  }

  /// What the training of a model, or of the layers, took; nil before its end.
  private func record(_ name: String) throws -> StageRecord? {
    try session.journal.result(
      StageRecord.self, stage: Self.stage.rawValue, name: "model/\(name)")
  }

  // MARK: The two trainings

  /// The teacher with a new layer wherever one of the architectures has one, trained layer by layer and saved.
  ///
  /// - Returns: its mixers.
  private func trainedLayers(
    _ architectures: [SearchedArchitecture], of count: Int
  ) throws -> [MixerConfiguration] {
    let configuration = session.configuration
    let teacher = session.teacher.configuration
    let each = try architectures.map { try session.mixers($0.placement, linear: $0.linear) }
    let mixers = teacher.mixers.indices.map { layer in
      // A window, too, is new; but a linear layer has more to learn.
      let own = each.map { $0[layer] }
      return own.first { $0.linear != nil } ?? own.first { $0 != teacher.mixers[layer] } ?? own[0]
    }
    let job = TrainingJob(
      mixers: mixers,
      phases: [
        configuration.layerPhase(configuration.final.layers, mixers: mixers, teacher: teacher)
      ],
      seed: configuration.seed, calibrationTokens: configuration.training.calibrationTokens)
    try run(job, Self.layers, 1, of: count) { _ in }
    return mixers
  }

  /// A model of the trained layers and the teacher, trained whole.
  private func train(
    _ name: String, _ own: SearchedArchitecture, from layers: [MixerConfiguration], _ index: Int,
    of count: Int
  ) throws {
    let configuration = session.configuration
    let teacher = session.teacher.configuration.mixers
    let mixers = try session.mixers(own.placement, linear: own.linear)
    let phase = configuration.final.allWeights.tokens > 0 ? configuration.wholePhase() : nil
    let job = TrainingJob(
      mixers: mixers, phases: phase.map { [$0] } ?? [], seed: configuration.seed,
      calibrationTokens: 0)
    try run(job, name, index, of: count) { student in
      let model = try Checkpoint(Self.model(Self.layers, in: session.folder).path).model(
        dtype: session.dtype, device: configuration.runDevice)
      let trained = Dictionary(
        model.parameters.parameters.map { ($0.name, $0.tensor) },
        uniquingKeysWith: { a, _ in a })
      let new = student.configuration.mixers.indices.filter {
        mixers[$0] != teacher[$0] && mixers[$0] == layers[$0]
      }.map { "model.layers.\($0).self_attn." }
      withoutGradients {
        for parameter in student.parameters.parameters
        where new.contains(where: parameter.name.hasPrefix) {
          if let source = trained[parameter.name] { parameter.tensor.assign(source) }
        }
      }
    }
  }

  /// Runs a job that is not recorded yet and saves its model.
  private func run(
    _ job: TrainingJob, _ name: String, _ index: Int, of count: Int,
    beginning: (HybridModel) throws -> Void
  ) throws {
    let folder = session.folder.training(Self.stage, name)
    let tokens = job.phases.reduce(0) { $0 + $1.configuration.tokenCount }
    _ = try session.once(Self.stage, "model/\(name)") { () -> StageRecord in
      try session.begin(
        Self.stage, name, index, of: count,
        training: job.phases.first.map { folder.appending(path: $0.name) })
      let trained = try job.run(
        teacher: session.teacher, shards: session.shards, folder: folder, beginning: beginning,
        report: { [session] _, step in
          session.tell(Self.stage, name, index, of: count, step, phaseTokens: tokens)
        }, shouldStop: session.shouldStop)
      guard let model = trained else { throw SearchStopped(session.folder) }
      let place = Self.model(name, in: session.folder)
      // What a killed process left half written is written anew.
      try remove(place)
      try model.released().save(to: place)
      try session.checkpoint.saveText(to: place)
      return try job.record(teacher: session.teacher.configuration, folder: folder)
    }
    try session.folder.removeCheckpoints(of: folder)
  }

  private func remove(_ place: URL) throws {
    if FileManager.default.fileExists(atPath: place.path) {
      try FileManager.default.removeItem(at: place)
    }
  }
}

extension SearchConfiguration {
  /// All weights learn by the logits' loss.
  func wholePhase() -> TrainingPhase {
    TrainingPhase(
      name: "all-weights",
      loss: .logits(
        LogitLoss(
          crossEntropy: final.crossEntropy, divergence: final.divergence,
          temperature: final.temperature)),
      configuration: training(
        final.allWeights, rules: ParameterRule.everything, lengths: final.lengths))
  }
}
