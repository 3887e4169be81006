import JetModels
import JetTensor
import JetTraining

/// One placement a batch, drawn and trained from end to end.
final class PathTraining: Objective {
  private let network: SuperNetwork
  private let loss: PathLoss
  private let sampling: PathSampling
  private let generator: Generator
  private let parameters: TrainedParameters
  private let recomputes: Bool
  /// The places of each layer's trained tensors, by path.
  private let leaves: [LayerChoice: [[Int]]]
  /// The mixers of all layers under each choice that can be drawn.
  private let mixers: [LayerChoice: [MixerConfiguration]]

  init(
    _ network: SuperNetwork, _ loss: PathLoss, _ sampling: PathSampling, _ seed: UInt64,
    _ parameters: TrainedParameters, recomputes: Bool
  ) throws {
    try loss.validate()
    try sampling.validate()
    guard sampling.windowProbability == 0 || network.window != nil else {
      throw SearchError(
        "paths with windows are to be drawn, but the super network has no window; give it one")
    }
    self.network = network
    self.loss = loss
    self.sampling = sampling
    self.parameters = parameters
    self.recomputes = recomputes
    generator = Generator(seed: seed)
    let choices = LayerChoice.allCases.filter {
      $0 != .window || sampling.windowProbability > 0
    }
    mixers = try Dictionary(
      uniqueKeysWithValues: choices.map { choice in
        (choice, try (0..<network.layerCount).map { try network.mixer(choice, layer: $0) })
      })
    leaves = Dictionary(
      uniqueKeysWithValues: LayerChoice.allCases.map { choice in
        let prefix = SuperNetwork.prefix(choice)
        return (
          choice,
          (0..<network.layerCount).map { parameters.indices(layer: $0, prefix: prefix) }
        )
      })
  }

  var generators: [String: Generator] { ["paths": generator] }

  /// What a step costs on the average over the placements that are drawn: the teacher forward, the student forward,
  /// backward to inputs and to the active mixers' weights, and forward once more where layers run again; the head
  /// forward, and backward to its input.
  func operations(sequences: Int, length: Int) -> Double? {
    let configuration = network.teacher.configuration
    let tokens = Double(sequences * length)
    let full = sampling.fullShare(layers: network.layerCount)
    let window = (1 - full) * sampling.windowProbability
    func forward(_ choice: LayerChoice) -> Double {
      (mixers[choice] ?? []).reduce(0) {
        $0 + Double(sequences) * configuration.mixerOperations($1, tokens: length)
      }
    }
    let drawn =
      full * forward(.full) + window * forward(.window) + (1 - full - window) * forward(.linear)
    let mlps =
      2 * tokens * Double(network.layerCount * 3 * configuration.width * configuration.mlpWidth)
    let head = 2 * tokens * Double(configuration.vocabularySize * configuration.width)
    var sum = (recomputes ? 3 : 2) * (drawn + mlps) + drawn
    if loss.logits != nil { sum += 2 * head }
    let readsLogits = (loss.logits?.divergence ?? 0) > 0
    if readsLogits || loss.feature > 0 { sum += forward(.full) + mlps }
    return readsLogits ? sum + head : sum
  }

  func accumulate(
    _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor] {
    let placement = sampling.placement(layers: network.layerCount, generator)
    return try accumulate(placement, batch, scale: scale, into: gradients)
  }

  /// Adds the gradients of one sub-network.
  func accumulate(
    _ placement: Placement, _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor] {
    let student = try network.model(placement)
    let teacher = withoutGradients { TeacherPass(network.teacher, batch, for: loss) }
    let own = placement.choices.enumerated().map { layer, choice in
      leaves[choice]?[layer] ?? []
    }
    let walk = LayerWalk(student, batch.input)
    let weight = loss.feature * scale / Double(network.layerCount)
    let chain = LayerChain(
      withoutGradients { walk.embedded }, trained: own.map(parameters.computed),
      recomputes: recomputes
    ) { [loss] layer, x in
      let mixed = walk.mixed(x, layer: layer)
      return LayerChain.Step(
        output: walk.completed(x, mixed: mixed, layer: layer),
        loss: loss.feature > 0 ? outputError(mixed, teacher.mixed[layer]) * weight : nil)
    }
    let logits = loss.logits?(
      chain.output, of: student, targets: batch.targets,
      teacher: teacher.hidden.map { (network.teacher, $0) }, scale: scale)
    chain.backward(seed: logits?.hidden) { layer, found in
      gradients.add(found, at: own[layer])
    }
    return report(chain, logits, scale: scale, on: batch.tokens.device)
  }

  private func report(
    _ chain: LayerChain, _ logits: LogitLoss.Result?, scale: Double, on device: Device
  ) -> [String: Tensor] {
    withoutGradients {
      var losses = logits?.losses ?? [:]
      var sum = losses["loss"] ?? Tensor.zeros([], device: device)
      if loss.feature > 0 {
        // In a fixed order, so that the sum is the same to the last bit.
        let parts = chain.losses.sorted { $0.key < $1.key }.map(\.value)
        let weighted = Tensor.stack(parts, dim: 0).sum() / scale
        losses["feature"] = weighted / loss.feature
        sum = sum + weighted
      }
      losses["loss"] = sum
      return losses
    }
  }
}

/// What the teacher gives for a batch: each mixer's outputs and the last hidden states, as far as a loss needs them.
private struct TeacherPass {
  let mixed: [Tensor]
  let hidden: Tensor?

  init(_ teacher: HybridModel, _ batch: PackedBatch, for loss: PathLoss) {
    let needsHidden = (loss.logits?.divergence ?? 0) > 0
    guard needsHidden || loss.feature > 0 else {
      (mixed, hidden) = ([], nil)
      return
    }
    let walk = LayerWalk(teacher, batch.input)
    var x = walk.embedded
    var outputs: [Tensor] = []
    for layer in teacher.layers.indices {
      let own = walk.mixed(x, layer: layer)
      if loss.feature > 0 { outputs.append(own) }
      x = walk.completed(x, mixed: own, layer: layer)
    }
    (mixed, hidden) = (outputs, needsHidden ? x : nil)
  }
}
