public import JetModels
public import JetTensor

/// The whole student learns from the next tokens and from the teacher's logits.
///
/// With recomputation only the inputs of the layers are kept; each layer runs again when its gradients are due, so that
/// memory holds one layer's activations.
public final class ModelTraining: Objective {
  /// The model that is imitated; nil where only the next tokens are learnt.
  public let teacher: HybridModel?
  /// The model that learns.
  public let student: HybridModel
  /// Where the time of each part is added.
  public var clock: PartClock?
  private let loss: LogitLoss
  private let parameters: TrainedParameters
  private let recomputes: Bool
  private let first: Int
  private let ends: [Int]

  /// An objective on the student's logits.
  ///
  /// - Throws: ``TrainingError`` when the models do not fit, or a divergence is asked for without a teacher.
  public init(
    student: HybridModel, teacher: HybridModel? = nil, loss: LogitLoss,
    parameters: TrainedParameters, recomputes: Bool = true
  ) throws {
    if let teacher { try expectPair(teacher, student) }
    try loss.validate()
    guard loss.divergence == 0 || teacher != nil else {
      throw TrainingError("the loss has a divergence from a teacher, but there is no teacher")
    }
    self.teacher = teacher
    self.student = student
    self.loss = loss
    self.parameters = parameters
    self.recomputes = recomputes
    let isEmbeddingTrained = parameters.index(name: Self.embedding) != nil
    let trained = student.layers.indices.first { !parameters.indices(layer: $0).isEmpty }
    first = isEmbeddingTrained ? 0 : trained ?? student.layers.count
    // The head, which may be the embedding, and the norm before it.
    ends = parameters.leaves.indices.filter { index in
      let name = parameters.leaves[index].names[0]
      return name == "model.norm.weight" || name == "lm_head.weight"
        || (name == Self.embedding && student.configuration.tiesEmbeddings)
    }
  }

  /// Teacher, where there is one, and student.
  public var models: [HybridModel] { (teacher.map { [$0] } ?? []) + [student] }

  /// The teacher forward; the student forward, from the first trained layer on backward to inputs, which costs as much,
  /// and forward once more where layers are recomputed; two operations a token for each number that is trained, its
  /// gradient. The head is run forward and backward.
  public func operations(sequences: Int, length: Int) -> Double? {
    let tokens = sequences * length
    func forward(_ model: HybridModel, from layer: Int = 0) -> Double {
      let layers = layer..<model.layers.count
      return model.mixerOperations(layers, sequences: sequences, length: length)
        + model.mlpOperations(layers: layers.count, tokens: tokens)
    }
    var sum = forward(student) + Double(recomputes ? 2 : 1) * forward(student, from: first)
    sum += 2 * student.headOperations(tokens: tokens)
    sum += 2 * Double(tokens) * Double(parameters.elementCount)
    if let teacher, loss.divergence > 0 {
      sum += forward(teacher) + teacher.headOperations(tokens: tokens)
    }
    return sum
  }

  private static let embedding = "model.embed_tokens.weight"

  /// Adds the gradients of all that is trained.
  public func accumulate(
    _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor] {
    let walk = LayerWalk(student, batch.input)
    let given = clock.time(.teacher) {
      teacher.flatMap { teacher in
        loss.divergence > 0
          ? (model: teacher, hidden: withoutGradients { teacher(batch.input) }) : nil
      }
    }
    let body = clock.time(.forward) {
      recomputes ? forwardKeepingInputs(walk) : forwardKeepingAll(walk)
    }
    let result = clock.time(.logits) {
      loss(
        body.output, of: student, targets: batch.targets, teacher: given, scale: scale,
        by: parameters.computed(ends))
    }
    clock.time(.backward) {
      gradients.add(result.others, at: ends)
      body.backward(result.hidden, gradients)
    }
    return result.losses
  }

  private struct Body {
    let output: Tensor
    let backward: (_ seed: Tensor, _ gradients: GradientSums) -> Void
  }

  private var inner: [Int] {
    student.layers.indices.flatMap { parameters.indices(layer: $0) }
      + (parameters.index(name: Self.embedding).map { [$0] } ?? [])
  }

  private func forwardKeepingAll(_ walk: LayerWalk) -> Body {
    var x = walk.embedded
    for layer in student.layers.indices { x = walk.output(x, layer: layer) }
    let (output, inner) = (x, inner)
    return Body(output: output) { [parameters] seed, gradients in
      guard !inner.isEmpty else { return }
      let found = JetTensor.gradients(
        of: [output], by: parameters.computed(inner), seeds: [seed])
      gradients.add(found, at: inner)
    }
  }

  private func forwardKeepingInputs(_ walk: LayerWalk) -> Body {
    var inputs: [Tensor] = []
    var x = withoutGradients { walk.embedded }
    for layer in student.layers.indices {
      inputs.append(x)
      if layer < first {
        x = withoutGradients { walk.output(x, layer: layer) }
      } else {
        // As when its gradients are due: the forms without gradients round otherwise.
        let own = x.detached().requiringGradient()
        x = walk.output(own, layer: layer).detached()
      }
    }
    return Body(output: x) { [self, inputs] seed, gradients in
      backward(walk, inputs, seed, gradients)
    }
  }

  private func backward(
    _ walk: LayerWalk, _ inputs: [Tensor], _ seed: Tensor, _ gradients: GradientSums
  ) {
    var seed = seed
    for layer in student.layers.indices.reversed() where layer >= first {
      let x = inputs[layer].detached().requiringGradient()
      let y = walk.output(x, layer: layer)
      let indices = parameters.indices(layer: layer)
      let found = JetTensor.gradients(
        of: [y], by: [x] + parameters.computed(indices), seeds: [seed])
      gradients.add(Array(found.dropFirst()), at: indices)
      seed = found[0] ?? Tensor.zeros(x.shape, dtype: x.dtype, device: x.device)
    }
    if let index = parameters.index(name: Self.embedding) {
      gradients.add(
        JetTensor.gradients(
          of: [walk.embedded], by: parameters.computed([index]), seeds: [seed]), at: [index])
    }
  }
}
