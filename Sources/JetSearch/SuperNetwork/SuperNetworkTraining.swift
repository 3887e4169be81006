public import JetModels
public import JetTensor
public import JetTraining

/// What a sub-network learns: the teacher's mixer outputs, its logits, the next tokens.
///
/// `loss = feature · mean over layers of mean((active − teacher)²)/mean(teacher²) + logits`.
public struct PathLoss: Codable, Hashable, Sendable {
  /// Weight of the error of the active mixers' outputs, each on its own network's hidden states.
  public var feature: Double
  /// Weights of cross-entropy and divergence; nil for the paper's loss, which has the first part alone.
  public var logits: LogitLoss?

  /// A loss with its weights.
  public init(
    feature: Double = 1, logits: LogitLoss? = LogitLoss(crossEntropy: 0, divergence: 1)
  ) {
    self.feature = feature
    self.logits = logits
  }

  /// Checks that something is learnt.
  ///
  /// - Throws: ``SearchError``, or `TrainingError` for the logits.
  public func validate() throws {
    guard feature >= 0, feature.isFinite, feature > 0 || logits != nil else {
      throw SearchError(
        "the loss of paths weighs features by \(feature)\(logits == nil ? " and has no logits" : ""); "
          + "give a weight above 0 or a loss on logits")
    }
    try logits?.validate()
  }
}

/// The training of a super network's paths; an objective for `Trainer`.
public final class SuperNetworkTraining: Objective {
  /// What a batch trains.
  public enum Mode: Sendable {
    /// Each linear mixer learns to give what the teacher's attention gives, on the teacher's hidden states; no gradient
    /// passes an MLP. A cheap beginning.
    case layers
    /// Each batch draws a placement and trains that sub-network from end to end.
    case paths(PathLoss, PathSampling, seed: UInt64)
  }

  /// The network that is trained.
  public let network: SuperNetwork
  private let work: any Objective
  private let readsTeacherAlone: Bool

  /// A training of what `parameters` holds.
  ///
  /// - Parameters:
  ///   - parameters: what is trained, by ``SuperNetwork/trainedParameters(rules:)``.
  ///   - recomputes: whether layers run again when their gradients are due, to save memory.
  /// - Throws: ``SearchError`` or `TrainingError` for values that cannot be.
  public init(
    _ network: SuperNetwork, _ mode: Mode, parameters: TrainedParameters, recomputes: Bool = true
  ) throws {
    self.network = network
    switch mode {
    case .layers:
      readsTeacherAlone = true
      guard !parameters.indices(prefix: SuperNetwork.linearPrefix).isEmpty else {
        throw SearchError(
          "layers are to learn from the teacher, but no linear mixer is trained; add a rule for "
            + "'\(SuperNetwork.linearPrefix)*'")
      }
      let student = try network.model(Placement(repeating: .linear, count: network.layerCount))
      work = try LayerDistillation(
        teacher: network.teacher, student: student, parameters: parameters,
        prefix: SuperNetwork.linearPrefix)
    case .paths(let loss, let sampling, let seed):
      readsTeacherAlone = false
      work = try PathTraining(network, loss, sampling, seed, parameters, recomputes: recomputes)
    }
  }

  /// That of the placements.
  public var generators: [String: Generator] { work.generators }

  /// Whose frozen weights a resumed run must have. The layers' losses depend on the teacher's alone: other layers' mixers
  /// may be trained already or not yet.
  public var models: [HybridModel] {
    readsTeacherAlone
      ? [network.teacher] : [network.teacher, network.attentionPath, network.linearPath]
  }

  /// What the layers cost; of paths what they cost on the average, as each batch draws another.
  public func operations(sequences: Int, length: Int) -> Double? {
    work.operations(sequences: sequences, length: length)
  }

  /// Adds the gradients of the batch's placement; reports `feature`, `divergence` and `crossEntropy`, or `layer.N`.
  public func accumulate(
    _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor] {
    try work.accumulate(batch, scale: scale, into: gradients)
  }
}
