import JetInference
import JetModels
import JetTensor
import JetTraining

/// Times steps that train a student on random tokens.
struct TrainingBench {
  /// What the student learns from.
  enum Loss: String, Encodable, CaseIterable {
    /// The outputs of the teacher's mixers, layer by layer.
    case layers
    /// The teacher's logits.
    case logits
  }

  /// A step's shape.
  struct Shape: Encodable {
    let sequences: Int
    let length: Int

    var tokens: Int { sequences * length }
  }

  /// What was measured.
  struct Result: Encodable {
    let student: String
    let loss: Loss
    let shape: Shape
    let tokensPerSecond: Spread
    let stepSeconds: Spread
    /// Of a step of its own that was timed by part.
    let partSeconds: [String: Double]
    /// The most that tensors held; nil on the CPU.
    let peakBytes: Int?
    /// Floating-point operations a second.
    let operationsPerSecond: Double
    /// Those over the rate of a large matrix product.
    let share: Double
  }

  let teacher: HybridModel
  let mixers: [MixerConfiguration]
  let name: String
  let loss: Loss
  let shape: Shape
  let recomputes: Bool
  private let objective: any Objective
  private let optimizer: AdamW
  private let trained: [Int]

  /// A student with `mixer` everywhere but in the layers of `kept`, and all that a step needs.
  ///
  /// - Parameter roundedWeights: whether weights are rounded to bfloat16, whatever their type.
  init(
    teacher: HybridModel, mixer: TrainingStudent, kept: Set<Int>, loss: Loss, shape: Shape,
    chunkRows: Int, recomputes: Bool, roundedWeights: Bool = false
  ) throws {
    self.teacher = teacher
    self.loss = loss
    self.shape = shape
    self.recomputes = recomputes
    name = mixer.rawValue
    mixers = try Conversion.placement(
      teacher.configuration, keeping: kept, mixer: mixer.configuration(like: teacher.configuration))
    let student = try Conversion.student(of: teacher, mixers: mixers, seed: 1)
    if roundedWeights {
      withoutGradients {
        for tensor in teacher.parameters.leaves + student.parameters.leaves {
          tensor.assign(tensor.to(.bfloat16))
        }
      }
    }
    var rules = ParameterRule.mixersOnly
    for layer in kept.sorted() {
      rules.append(ParameterRule("model.layers.\(layer).self_attn.*", trains: false))
    }
    let parameters = try TrainedParameters(of: student, rules: rules)
    trained = mixers.indices.filter { !kept.contains($0) }
    switch loss {
    case .layers:
      objective = try LayerDistillation(teacher: teacher, student: student, parameters: parameters)
    case .logits:
      objective = try ModelTraining(
        student: student, teacher: teacher,
        loss: LogitLoss(crossEntropy: 0, divergence: 1, chunkRows: chunkRows),
        parameters: parameters, recomputes: recomputes)
    }
    optimizer = AdamW(parameters, AdamWConfiguration(learningRate: 1e-4))
  }

  /// Runs steps, the first two to warm up, and one more that is timed by part.
  ///
  /// - Parameters:
  ///   - steps: that are timed together as one run.
  ///   - runs: how often.
  ///   - matrixRate: what a large matrix product reaches on the device, in operations a second.
  /// - Throws: `TorchError`; `CancellationError` when interrupted between runs.
  func measure(steps: Int, runs: Int, matrixRate: Double) throws -> Result {
    let device = teacher.embedding.device
    var random = RandomNumbers(seed: 20_250_821)
    let batches = (0..<2).map { _ in sequences(&random) }
    func step(_ index: Int, _ clock: PartClock? = nil) throws {
      try withTorchErrors {
        let batch = PackedBatch(batches[index % batches.count], device: device)
        let sums = GradientSums(count: optimizer.parameters.leaves.count)
        _ = try objective.accumulate(batch, scale: 1, into: sums)
        if let clock {
          _ = clock.time(.optimizer) { optimizer.enqueue(sums, rateFraction: 1) }
        } else {
          _ = optimizer.enqueue(sums, rateFraction: 1)
        }
      }
    }
    for index in 0..<2 { try step(index) }
    device.synchronize()
    var seconds: [Double] = []
    for _ in 0..<runs {
      if Interrupt.isRaised { throw CancellationError() }
      seconds.append(
        try Stopwatch.seconds {
          for index in 0..<steps { try step(index) }
          device.synchronize()
        } / Double(steps))
    }
    let norm = try lastNorm(batches[0], device)
    guard norm.isFinite else {
      throw CommandError(
        "The gradients of the \(name) student are not finite, so no speed is reported; check the "
          + "kernels with --check.")
    }
    let parts = try partSeconds { try step(0, $0) }
    let middle = Spread(seconds)
    let rate = operations / middle.median
    return Result(
      student: name, loss: loss, shape: shape,
      tokensPerSecond: Spread(seconds.map { Double(shape.tokens) / $0 }), stepSeconds: middle,
      partSeconds: parts, peakBytes: device == .cpu ? nil : try device.allocated().peakBytes,
      operationsPerSecond: rate, share: rate / matrixRate)
  }

  /// The loss and all gradients of one step on given tokens, as float32 on the CPU; nothing is changed.
  func gradients(of tokens: [TokenSequence]) throws -> (loss: Double, gradients: [Tensor]) {
    try withTorchErrors {
      let sums = GradientSums(count: optimizer.parameters.leaves.count)
      let losses = try objective.accumulate(
        PackedBatch(tokens, device: teacher.embedding.device), scale: 1, into: sums)
      return (
        losses["loss"]?.item(as: Double.self) ?? .nan,
        sums.sums.map { $0.map { $0.float32.to(.cpu) } ?? Tensor.zeros([1]) }
      )
    }
  }

  private func lastNorm(_ tokens: [TokenSequence], _ device: Device) throws -> Double {
    try withTorchErrors {
      let sums = GradientSums(count: optimizer.parameters.leaves.count)
      _ = try objective.accumulate(PackedBatch(tokens, device: device), scale: 1, into: sums)
      return optimizer.enqueue(sums, rateFraction: 0).item(as: Double.self)
    }
  }

  private func partSeconds(_ step: (PartClock) throws -> Void) throws -> [String: Double] {
    let clock = PartClock(device: teacher.embedding.device)
    let layers = objective as? LayerDistillation
    let model = objective as? ModelTraining
    layers?.clock = clock
    model?.clock = clock
    defer {
      layers?.clock = nil
      model?.clock = nil
    }
    try step(clock)
    return clock.seconds.reduce(into: [:]) { $0[$1.key.rawValue] = $1.value }
  }

  /// Floating-point operations of a step: one forward pass of the teacher as far as it is needed, and three times the
  /// products of what is trained or, for the logits, of the student (four times where layers run again).
  private var operations: Double {
    let configuration = teacher.configuration
    let (length, tokens) = (shape.length, Double(shape.tokens))
    func forward(_ configuration: ModelConfiguration) -> Double {
      let head = 2 * Double(configuration.vocabularySize * configuration.width)
      let layers = configuration.prefillOperations(tokens: length, past: 0) - head
      return layers / Double(length)
    }
    var student = configuration
    student.mixers = mixers
    switch loss {
    case .layers:
      student.mixers = trained.map { mixers[$0] }
      let mlp = 2 * Double(3 * configuration.width * configuration.mlpWidth * trained.count)
      return tokens * (forward(configuration) + 3 * (forward(student) - mlp))
    case .logits:
      let head = 2 * Double(configuration.vocabularySize * configuration.width)
      let passes = recomputes ? 4.0 : 3.0
      return tokens * (forward(configuration) + passes * forward(student) + 3 * head)
    }
  }

  private func sequences(_ random: inout RandomNumbers) -> [TokenSequence] {
    Self.sequences(shape, vocabulary: teacher.configuration.vocabularySize, &random)
  }

  /// Sequences of random tokens.
  static func sequences(
    _ shape: Shape, vocabulary: Int, _ random: inout RandomNumbers
  ) -> [TokenSequence] {
    (0..<shape.sequences).map { _ in
      let tokens = (0...shape.length).map { _ in Int.random(in: 0..<vocabulary, using: &random) }
      return TokenSequence(
        inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()), starts: [0])
    }
  }
}
