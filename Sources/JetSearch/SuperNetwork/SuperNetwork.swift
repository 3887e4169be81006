import Foundation
import JetEvaluation
public import JetModels
public import JetTensor
public import JetTraining

/// A teacher with a second path beside every attention layer: all hybrids of a search in one set of weights.
///
/// Each layer has the teacher's attention, which may be trained, the same weights with attention to a window, and a
/// linear mixer that begins as ``Conversion`` makes it. Embedding, norms, MLPs and head are the teacher's and frozen.
/// ``model(_:)`` picks a path for each layer; all models share these tensors, so what is trained in one is trained in all.
///
/// - Source: Jet-Nemotron, [arXiv:2508.15884](https://arxiv.org/abs/2508.15884), section 2.2 and figure 4.
public struct SuperNetwork {
  /// The model that the paths begin from; its weights never change.
  public let teacher: HybridModel
  /// The linear mixer beside each attention.
  public let linear: MixerConfiguration
  /// The window of ``LayerChoice/window``, in tokens; nil where there is no such path.
  public let window: Int?
  /// The relative error of each linear mixer on the batch that it was calibrated on; empty where none was given.
  public let calibration: [Int: Double]
  /// The trained weights under their names: `attention.` and `linear.` before the names that models give them.
  public let parameters: ParameterStore

  let attentionPath: HybridModel
  let linearPath: HybridModel

  /// What stands before the names of the attention path.
  public static let attentionPrefix = "attention."
  /// What stands before the names of the linear path.
  public static let linearPrefix = "linear."

  /// A super network of a teacher.
  ///
  /// - Parameters:
  ///   - teacher: a model all of whose layers are attention.
  ///   - linear: the linear mixer of all layers.
  ///   - window: the window of ``LayerChoice/window``, in tokens; nil for none.
  ///   - dtype: the type of the paths' weights; the teacher's when nil. Where it is another, the frozen weights are
  ///     copied.
  ///   - seed: draws what of the linear mixers does not come from the teacher.
  ///   - calibration: some thousand tokens on which the linear mixers are brought near the teacher; nil for none.
  /// - Throws: ``SearchError`` for a teacher or a mixer of another sort, and what the conversion throws.
  public init(
    teacher: HybridModel, linear: MixerConfiguration, window: Int? = nil, dtype: DType? = nil,
    seed: UInt64 = 0, calibration: PackedBatch? = nil
  ) throws {
    let own = teacher.configuration.mixers
    if let layer = own.firstIndex(where: { $0.linear != nil }) {
      throw SearchError(
        "layer \(layer) of the teacher is \(own[layer].kind); a super network begins from attention "
          + "in all layers")
    }
    guard linear.linear != nil else {
      throw SearchError(
        "the mixer beside attention is \(linear.kind); name a linear one, such as gla")
    }
    if let window, window < 1 {
      throw SearchError("the window is \(window) tokens; expected 1 or more")
    }
    let type = dtype ?? teacher.dtype
    // Whole models for as long as it takes to lend their mixers to the one frozen body.
    let copy = try Conversion.student(of: teacher, mixers: own, dtype: type, seed: seed)
    let body = type == teacher.dtype ? teacher : copy
    let student = try Conversion.student(
      of: teacher, mixers: own.map { _ in linear }, dtype: type, seed: seed)
    self.calibration =
      calibration.map { Conversion.calibrate(student, to: teacher, on: $0) } ?? [:]
    attentionPath = try .assembled(base: body, mixers: own.map { _ in MixerSource(copy) })
    linearPath = try .assembled(base: body, mixers: own.map { _ in MixerSource(student) })
    parameters = ParameterStore(joining: [
      (Self.attentionPrefix, ParameterStore(mixersOf: attentionPath)),
      (Self.linearPrefix, ParameterStore(mixersOf: linearPath)),
    ])
    self.teacher = teacher
    self.linear = linear
    self.window = window
  }

  /// How many layers there are.
  public var layerCount: Int { teacher.configuration.mixers.count }

  /// The element type of the paths' weights.
  public var dtype: DType { parameters.dtype }

  /// The mixer of a layer under a choice.
  ///
  /// - Throws: ``SearchError`` for a window where the network has none.
  public func mixer(_ choice: LayerChoice, layer: Int) throws -> MixerConfiguration {
    let own = teacher.configuration.mixers[layer]
    switch (choice, own) {
    case (.full, _): return own
    case (.linear, _): return linear
    case (.window, .attention(var attention)):
      guard let window else {
        throw SearchError(
          "layer \(layer) is to attend to a window, but the super network has none; give it one")
      }
      // Attention that is narrower already stays as it is.
      attention.window = min(window, attention.window ?? window)
      return .attention(attention)
    case (.window, _):
      throw SearchError("layer \(layer) of the teacher is \(own.kind), not attention")
    }
  }

  /// The model of a placement: no weight is copied or read.
  ///
  /// - Throws: ``SearchError`` when the placement does not fit.
  public func model(_ placement: Placement) throws -> HybridModel {
    guard placement.choices.count == layerCount else {
      throw SearchError(
        "the placement \(placement) has \(placement.choices.count) layers and the super network "
          + "\(layerCount); give one letter a layer")
    }
    return try .assembled(
      base: attentionPath,
      mixers: placement.choices.enumerated().map { layer, choice in
        MixerSource(
          choice == .linear ? linearPath : attentionPath, as: try mixer(choice, layer: layer))
      })
  }

  /// Where the names of a choice's weights begin.
  static func prefix(_ choice: LayerChoice) -> String {
    choice == .linear ? linearPrefix : attentionPrefix
  }

  /// Rules that train the linear path, and the attention path where it is asked for; for a run's configuration.
  public static func rules(attention: Bool) -> [ParameterRule] {
    (attention ? [attentionPrefix] : []).map { ParameterRule("\($0)*", trains: true) }
      + [ParameterRule("\(linearPrefix)*", trains: true)]
  }

  /// Where the names of a layer's linear path begin.
  static func linearPrefix(layer: Int) -> String {
    "\(linearPrefix)model.layers.\(layer).self_attn."
  }

  /// What is trained by some rules, which are about the names of ``parameters``.
  ///
  /// - Throws: `TrainingError` for rules that match nothing.
  public func trainedParameters(rules: [ParameterRule]) throws -> TrainedParameters {
    try TrainedParameters(of: parameters, rules: rules)
  }

  /// Names all weights that placements of this network are made of, 32 hexadecimal digits.
  ///
  /// All weights are read, once a call: ask after training and keep the answer.
  ///
  /// - Throws: what libtorch reports.
  public func identity() throws -> String {
    let all = ParameterStore(joining: [
      ("", attentionPath.parameters), (Self.linearPrefix, ParameterStore(mixersOf: linearPath)),
    ])
    let shape = try teacher.configuration.mixers.indices.map { layer in
      try (window == nil ? [LayerChoice.full] : [.full, .window]).map {
        try mixer($0, layer: layer)
      }
    }
    let text = "\(try ModelFingerprint.text(all)) \(shape) \(linear)"
    return String(SHA256.text(Data(text.utf8)).prefix(32))
  }
}

extension ParameterStore {
  /// The parameters of a model's mixers, shared.
  fileprivate convenience init(mixersOf model: HybridModel) {
    self.init(joining: [("", model.parameters)]) { $0.contains(".self_attn.") }
  }
}
