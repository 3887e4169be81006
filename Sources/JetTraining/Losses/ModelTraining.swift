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
  private let layers: [[Int]]
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
    let layers = student.layers.indices.map { parameters.indices(layer: $0) }
    self.layers = layers
    first =
      parameters.index(name: Self.embedding) != nil
      ? 0 : layers.firstIndex { !$0.isEmpty } ?? layers.count
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
      let range = layer..<model.layers.count
      return model.mixerOperations(range, sequences: sequences, length: length)
        + model.mlpOperations(layers: range.count, tokens: tokens)
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
    let embedding = parameters.index(name: Self.embedding)
    let chain = clock.time(.forward) {
      LayerChain(
        withoutGradients { walk.embedded }, trained: layers.map(parameters.computed),
        wantsInput: embedding != nil, recomputes: recomputes
      ) { LayerChain.Step(output: walk.output($1, layer: $0)) }
    }
    let result = clock.time(.logits) {
      loss(
        chain.output, of: student, targets: batch.targets, teacher: given, scale: scale,
        by: parameters.computed(ends))
    }
    gradients.add(result.others, at: ends)
    let seed = clock.time(.backward) {
      chain.backward(seed: result.hidden) { layer, found in
        gradients.add(found, at: layers[layer])
      }
    }
    if let embedding, let seed {
      gradients.add(
        JetTensor.gradients(
          of: [walk.embedded], by: parameters.computed([embedding]), seeds: [seed]),
        at: [embedding])
    }
    return result.losses
  }
}
