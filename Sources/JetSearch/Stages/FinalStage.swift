import Foundation
import JetCheckpoint
import JetModels
import JetTraining

/// An architecture: where attention stays, and what mixes the tokens elsewhere.
struct SearchedArchitecture: Codable, Hashable {
  var placement: Placement
  var linear: MixerConfiguration
}

/// Stage 6: the searched architecture and its uniform counterpart, each trained from the teacher anew.
struct FinalStage {
  let session: SearchSession
  private static let stage = SearchStage.final

  /// The names of the models, in the order of their training.
  static let names = ["uniform", "searched"]

  /// Where a trained model lies.
  static func model(_ name: String, in folder: SearchFolder) -> URL {
    folder.url.appending(path: "models/\(name)")
  }

  /// Trains both.
  func run(_ architectures: [String: SearchedArchitecture]) throws {
    for (index, name) in Self.names.enumerated() {
      guard let own = architectures[name] else { continue }
      try train(name, own, index + 1)
    }
  }

  private func train(_ name: String, _ own: SearchedArchitecture, _ index: Int) throws {
    let folder = session.folder.training(Self.stage, name)
    let job = try job(own)
    _ = try session.once(Self.stage, "model/\(name)") { () -> StageRecord in
      let trained = try job.run(
        teacher: session.teacher, shards: session.shards, folder: folder,
        report: { [session] phase, step in
          let unit = "\(name), \(phase == "layers" ? "layer by layer" : "all weights")"
          let tokens = job.phases.first { $0.name == phase }?.configuration.tokenCount ?? 0
          session.tell(
            Self.stage, unit, index, of: Self.names.count, step, phaseTokens: tokens)
        }, shouldStop: stopping(name, index, folder))
      guard let model = trained else { throw SearchStopped(session.folder) }
      let place = Self.model(name, in: session.folder)
      // What a killed process left half written is written anew.
      if FileManager.default.fileExists(atPath: place.path) {
        try FileManager.default.removeItem(at: place)
      }
      try model.released().save(to: place)
      try session.checkpoint.saveText(to: place)
      return try job.record(teacher: session.teacher.configuration, folder: folder)
    }
    try session.folder.removeCheckpoints(of: folder)
  }

  private func stopping(_ name: String, _ index: Int, _ folder: URL) throws -> () -> Bool {
    try session.begin(
      Self.stage, name, index, of: Self.names.count, training: folder.appending(path: "layers"))
    return session.shouldStop
  }

  /// How an architecture is trained: its new layers by the teacher's, then all weights by its logits.
  func job(_ own: SearchedArchitecture) throws -> TrainingJob {
    let configuration = session.configuration
    return try .final(
      configuration, mixers: session.mixers(own.placement, linear: own.linear),
      teacher: session.teacher.configuration)
  }
}

extension TrainingJob {
  /// The training of a configuration's stage 6.
  static func final(
    _ configuration: SearchConfiguration, mixers: [MixerConfiguration], teacher: ModelConfiguration
  ) -> TrainingJob {
    let own = configuration.final
    var phases = [configuration.layerPhase(own.layers, mixers: mixers, teacher: teacher)]
    if own.allWeights.tokens > 0 {
      phases.append(
        TrainingPhase(
          name: "all-weights",
          loss: .logits(
            LogitLoss(
              crossEntropy: own.crossEntropy, divergence: own.divergence,
              temperature: own.temperature)),
          configuration: configuration.training(
            own.allWeights, rules: ParameterRule.everything, lengths: own.lengths)))
    }
    return TrainingJob(
      mixers: mixers, phases: phases, seed: configuration.seed,
      calibrationTokens: configuration.training.calibrationTokens)
  }
}
