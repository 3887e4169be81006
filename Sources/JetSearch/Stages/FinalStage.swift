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
  /// Where a trained model lies.
  static func model(_ name: String, in folder: SearchFolder) -> URL {
    folder.url.appending(path: "models/\(name)")
  }

  /// The name of a model's, or of a part of the layers', result in the journal.
  static func result(_ name: String) -> String { "model/\(name)" }

  /// A training and its place among those of the stage.
  private struct Unit {
    let name: String
    /// From 1.
    let index: Int
    let job: TrainingJob
    /// Changes what the training begins with.
    var beginning: (HybridModel) throws -> Void = { _ in }
  }

  /// Trains all of them.
  ///
  /// - Precondition: their linear layers are alike.
  func run(_ architectures: [String: SearchedArchitecture]) throws {
    let mixers = try Self.names.compactMap { name in
      try architectures[name].map {
        (name: name, mixers: try session.mixers($0.placement, linear: $0.linear))
      }
    }
    let layers = newLayers(mixers.map(\.mixers))
    let count = layers.count + mixers.count
    try run(layers.map(\.unit), of: count)
    let models = mixers.enumerated().map { place, own in
      Unit(
        name: own.name, index: layers.count + place + 1, job: wholeJob(own.mixers),
        beginning: { try takeLayers(into: $0, from: layers) })
    }
    try run(models, of: count)
    for part in layers { try SearchFolder.remove(Self.model(part.unit.name, in: session.folder)) }
  }

  // MARK: The two trainings

  /// A part of the new layers: the teacher with these in it, trained layer by layer.
  private struct NewLayers {
    let part: LayerPart
    let unit: Unit
  }

  /// A new layer wherever one of the architectures has one.
  private func newLayers(_ architectures: [[MixerConfiguration]]) -> [NewLayers] {
    let configuration = session.configuration
    let teacher = session.teacher.configuration
    var all = teacher.mixers
    for layer in all.indices {
      // A window, too, is new; but a linear layer has more to learn.
      let own = architectures.map { $0[layer] }
      all[layer] =
        own.first { $0.linear != nil } ?? own.first { $0 != teacher.mixers[layer] } ?? all[layer]
    }
    let new = all.indices.filter { all[$0] != teacher.mixers[$0] }
    return LayerPart.of(new, count: configuration.training.layerParts).map { part in
      var mixers = teacher.mixers
      for layer in part.layers { mixers[layer] = all[layer] }
      let job = TrainingJob(
        mixers: mixers,
        phases: [
          configuration.layerPhase(configuration.final.layers, mixers: mixers, teacher: teacher)
        ],
        seed: configuration.seed, calibrationTokens: configuration.training.calibrationTokens)
      return NewLayers(part: part, unit: Unit(name: part.name, index: part.index, job: job))
    }
  }

  /// A model whose weights are all trained.
  private func wholeJob(_ mixers: [MixerConfiguration]) -> TrainingJob {
    let configuration = session.configuration
    let phases = configuration.final.allWeights.tokens > 0 ? [configuration.wholePhase()] : []
    return TrainingJob(
      mixers: mixers, phases: phases, seed: configuration.seed, calibrationTokens: 0,
      recomputes: configuration.training.recompute)
  }

  /// Gives a student the trained layers that it has.
  private func takeLayers(into student: HybridModel, from layers: [NewLayers]) throws {
    for own in layers {
      let taken = own.part.layers.filter {
        student.configuration.mixers[$0] == own.unit.job.mixers[$0]
      }.map { "model.layers.\($0).self_attn." }
      guard !taken.isEmpty else { continue }
      let model = try Checkpoint(Self.model(own.unit.name, in: session.folder).path).model(
        dtype: session.dtype, device: session.configuration.runDevice)
      let trained = Dictionary(
        model.parameters.parameters.map { ($0.name, $0.tensor) },
        uniquingKeysWith: { a, _ in a })
      withoutGradients {
        for parameter in student.parameters.parameters
        where taken.contains(where: parameter.name.hasPrefix) {
          if let source = trained[parameter.name] { parameter.tensor.assign(source) }
        }
      }
    }
  }

  /// Runs the trainings that are not recorded yet and saves their models.
  private func run(_ units: [Unit], of count: Int) throws {
    _ = try session.all(Self.stage, units, name: { Self.result($0.name) }) { unit -> StageRecord in
      let folder = session.folder.training(Self.stage, unit.name)
      let tokens = unit.job.phases.reduce(0) { $0 + $1.configuration.tokenCount }
      try session.begin(
        Self.stage, unit.name, unit.index, of: count,
        training: unit.job.phases.first.map { folder.appending(path: $0.name) })
      let trained = try unit.job.run(
        teacher: session.teacher, shards: session.shards, folder: folder,
        beginning: unit.beginning,
        report: { [session] _, step in
          session.tell(Self.stage, unit.name, unit.index, of: count, step, phaseTokens: tokens)
        }, shouldStop: session.shouldStop)
      guard let model = trained else { throw SearchStopped(session.folder, place: session.place) }
      let place = Self.model(unit.name, in: session.folder)
      // What a killed process left half written is written anew.
      try SearchFolder.remove(place)
      try model.released().save(to: place)
      try session.checkpoint.saveText(to: place)
      return try unit.job.record(teacher: session.teacher.configuration, folder: folder)
    }
    for unit in units {
      try session.folder.removeCheckpoints(of: session.folder.training(Self.stage, unit.name))
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
