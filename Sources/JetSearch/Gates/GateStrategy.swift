import Foundation
import JetModels
import JetTensor
public import JetTraining

/// Finds a placement by gradients: a gate in each free layer blends the two mixers, and all gates are optimised together.
///
/// A free layer gives `g · chosen + (1 − g) · base` in place of its mixer's output, where `chosen` is the mixer of the
/// problem's choice, `base` the one that the layer has otherwise, and `g = σ(a / τ)` with one logit `a` a layer. All
/// weights are frozen. What is made small is
///
///     KL(teacher ‖ blend) + penalty · progress · ((Σ g − count) / count)²
///
/// by AdamW on the logits, while τ falls, so that gates end near 0 or 1. The layers with the `count` largest logits are
/// the placement, the earlier of two equal ones first. One candidate is scored: the placement that is found.
///
/// The idea is that of DASH ([arXiv:2605.20936](https://arxiv.org/abs/2605.20936)), and of FlashMorph
/// ([arXiv:2606.30562](https://arxiv.org/abs/2606.30562)), which optimises gates on retrieval under a budget. Ours are
/// the form of the budget, the temperatures, all default values and the divergence over all tokens of a batch: we have
/// not compared them with either paper's code. A blend is none of the placements that it stands for: a gate of ½ can
/// hide that a layer is needed whole, and the end of the annealing, not the middle, resembles the placement.
public final class GateStrategy: PlacementStrategy {
  /// `gates`.
  public let name = "gates"
  /// Told of each step: its number, the divergence in nats a token and the gates of the free layers.
  public var onStep: (Int, Double, [Double]) throws -> Void = { _, _, _ in }
  /// Where each step is kept, so that a killed process is gone on from; nowhere when nil.
  public var checkpoints: GateCheckpoints?
  /// The gates of the last problem's free layers, by their layers.
  public private(set) var gates: [Int: Double] = [:]

  private let network: SuperNetwork
  private let batches: [PackedBatch]
  private let configuration: GateConfiguration

  /// A strategy.
  ///
  /// - Parameters:
  ///   - network: the super network that placements are of.
  ///   - batches: text, or retrieval sequences; used again and again.
  /// - Throws: ``SearchError`` for values that cannot be, or no batch.
  public init(
    _ network: SuperNetwork, batches: [PackedBatch],
    configuration: GateConfiguration = GateConfiguration()
  ) throws {
    try configuration.validate()
    guard !batches.isEmpty else {
      throw SearchError("the gates have no text to be optimised on; give a batch or more")
    }
    self.network = network
    self.batches = batches
    self.configuration = configuration
  }

  /// The placement of the largest gates, scored.
  ///
  /// - Throws: ``SearchError`` when gradients are not finite or a checkpoint is damaged, and what the scorer throws.
  public func solve(_ problem: PlacementProblem, scorer: CandidateScorer) throws -> Placement {
    let chosen: [Int]
    if problem.count == 0 || problem.count == problem.free.count {
      chosen = Array(problem.free.prefix(problem.count))
    } else {
      let logits = try withTorchErrors { try optimise(problem) }
      // Sorting is not stable by promise, so equal ones are told apart by their layers.
      chosen = zip(problem.free, logits).sorted { ($1.1, $0.0) < ($0.1, $1.0) }
        .prefix(problem.count).map(\.0)
    }
    return try scorer.candidate(problem.placing(chosen.sorted())).placement
  }

  /// The logits of the free layers after all steps.
  private func optimise(_ problem: PlacementProblem) throws -> [Double] {
    let blend = try GatedPass(network, problem, recomputes: configuration.recomputes)
    let optimizer = AdamW(
      blend.parameters,
      AdamWConfiguration(
        learningRate: configuration.learningRate, beta2: 0.999, weightDecay: 0, maximumNorm: 0))
    let work = GateCheckpoint.Work(
      problem, configuration, batches, network.teacher.dtype, weights: checkpoints?.weights ?? "")
    let file = checkpoints?.file(problem)
    var state =
      try file.map { try GateCheckpoint.read($0, work, into: optimizer) }
      ?? GateCheckpoint(work)
    func keep(_ gates: [Double]) {
      self.gates = Dictionary(uniqueKeysWithValues: zip(problem.free, gates))
    }
    if state.steps > 0 { keep(blend.gates(configuration.temperature(state.steps - 1))) }
    for step in state.steps..<configuration.steps {
      if state.order.isEmpty { state.order = state.generator.order(of: batches.count) }
      let index = state.order.removeLast()
      let progress = configuration.progress(step)
      let temperature = configuration.temperature(step)
      let sums = GradientSums(count: problem.free.count)
      let divergence = blend.accumulate(
        batches[index], index, temperature: temperature,
        penalty: configuration.penalty * progress, into: sums)
      guard case .stepped = optimizer.step(sums, rateFraction: 1) else {
        throw SearchError(
          "the gradients of the gates are not finite at step \(step); check the weights of the super "
            + "network, or compute in float32")
      }
      state.steps = step + 1
      if let file { try state.write(optimizer, to: file) }
      let gates = blend.gates(temperature)
      keep(gates)
      try onStep(step, divergence.item(as: Double.self), gates)
    }
    return blend.logits
  }
}

/// A super network whose free layers blend two mixers.
final class GatedPass {
  /// One logit a free layer.
  let parameters: TrainedParameters
  private let network: SuperNetwork
  private let problem: PlacementProblem
  private let base: HybridModel
  private let chosen: HybridModel
  private let recomputes: Bool
  private let place: [Int: Int]
  /// The teacher's hidden states of each batch.
  private var hidden: [Int: Tensor] = [:]

  init(_ network: SuperNetwork, _ problem: PlacementProblem, recomputes: Bool) throws {
    self.network = network
    self.problem = problem
    self.recomputes = recomputes
    base = try network.model(problem.base)
    chosen = try network.model(problem.placing(problem.free))
    place = Dictionary(uniqueKeysWithValues: zip(problem.free, problem.free.indices))
    let store = ParameterStore(
      source: nil, dtype: .float32, device: network.teacher.embedding.device)
    for layer in problem.free {
      _ = try (store.root / "gate").parameter("\(layer)", [1], .constant(0))
    }
    parameters = try TrainedParameters(of: store, rules: [ParameterRule("gate.*", trains: true)])
  }

  private var leaves: [Tensor] { parameters.leaves.map(\.computed) }

  var logits: [Double] {
    Tensor.concatenate(leaves.map { $0.detached() }, dim: 0).array(of: Float.self).map(Double.init)
  }

  func gates(_ temperature: Double) -> [Double] {
    logits.map { 1 / (1 + Foundation.exp(-$0 / temperature)) }
  }

  /// Adds the gradients of the logits; gives the divergence.
  func accumulate(
    _ batch: PackedBatch, _ index: Int, temperature: Double, penalty: Double,
    into sums: GradientSums
  ) -> Tensor {
    let (from, to) = (LayerWalk(base, batch.input), LayerWalk(chosen, batch.input))
    let trained = network.teacher.layers.indices.map { layer in
      place[layer].map { [leaves[$0]] } ?? []
    }
    let chain = LayerChain(
      withoutGradients { from.embedded }, trained: trained, recomputes: recomputes
    ) { layer, x in
      let without = from.mixed(x, layer: layer)
      guard let logit = trained[layer].first else {
        return LayerChain.Step(output: from.completed(x, mixed: without, layer: layer))
      }
      let gate = sigmoid(logit / temperature).to(x.dtype)
      let mixed = without + (to.mixed(x, layer: layer) - without) * gate
      return LayerChain.Step(output: from.completed(x, mixed: mixed, layer: layer))
    }
    let teacher = network.teacher
    let followed = hidden[index] ?? withoutGradients { teacher(batch.input) }
    hidden[index] = followed
    let result = LogitLoss(crossEntropy: 0, divergence: 1)(
      chain.output, of: base, targets: batch.targets, teacher: (teacher, followed))
    chain.backward(seed: result.hidden) { layer, found in
      if let place = self.place[layer] { sums.add(found, at: [place]) }
    }
    let sum = Tensor.concatenate(leaves.map { sigmoid($0 / temperature) }, dim: 0).sum()
    let excess = (sum - Double(problem.count)) / Double(problem.count)
    sums.add(
      gradients(of: [excess * excess * penalty], by: leaves), at: Array(leaves.indices))
    return result.losses["divergence"] ?? Tensor.zeros([])
  }
}
