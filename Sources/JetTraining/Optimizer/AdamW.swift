public import JetTensor

/// The values of AdamW.
public struct AdamWConfiguration: Codable, Hashable, Sendable {
  /// The peak of the learning rate.
  public var learningRate: Double
  /// How much of the mean of gradients a step keeps.
  public var beta1: Double
  /// How much of the mean of their squares a step keeps.
  public var beta2: Double
  /// Keeps the quotient finite.
  public var eps: Double
  /// How much weights shrink a step, times the learning rate.
  public var weightDecay: Double
  /// The longest that all gradients together may be; 0 for no limit.
  public var maximumNorm: Double

  /// A configuration with all its values.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.95, eps: Double = 1e-8,
    weightDecay: Double = 0.01, maximumNorm: Double = 1
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.eps = eps
    self.weightDecay = weightDecay
    self.maximumNorm = maximumNorm
  }

  func validate() throws(TrainingError) {
    func expect(_ name: String, _ value: Double, _ range: Range<Double>) throws(TrainingError) {
      guard range.contains(value) else {
        throw TrainingError(
          "the optimizer's \(name) is \(value); expected \(range.lowerBound) up to "
            + "\(range.upperBound)")
      }
    }
    try expect("learning rate", learningRate, 0..<10)
    try expect("beta1", beta1, 0..<1)
    try expect("beta2", beta2, 0..<1)
    try expect("weight decay", weightDecay, 0..<10)
    try expect("epsilon", eps, 1e-30..<1)
    try expect("maximum norm", maximumNorm, 0..<1e30)
  }
}

/// AdamW on float32 masters, by libtorch's fused operator.
///
/// `w ← w − η λ w`; `m ← β₁ m + (1 − β₁) g`; `v ← β₂ v + (1 − β₂) g²`;
/// `w ← w − η m̂ / (√v̂ + ε)` with `m̂ = m / (1 − β₁ᵗ)`, `v̂ = v / (1 − β₂ᵗ)`.
///
/// - Source: Loshchilov and Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101), algorithm 2, in the
///   form of PyTorch, where the decay is not divided by the schedule's factor.
public final class AdamW {
  /// What a call to ``step(_:rateFraction:)`` did.
  public enum Outcome: Hashable, Sendable {
    /// The weights were changed; the gradients were that long before they were clipped.
    case stepped(norm: Double)
    /// A gradient was not finite, and nothing was changed.
    case skipped
  }

  /// The values.
  public let configuration: AdamWConfiguration
  /// What is trained.
  public let parameters: TrainedParameters
  /// Means of the gradients, one for each leaf.
  public let firstMoments: [Tensor]
  /// Means of their squares.
  public let secondMoments: [Tensor]
  /// Steps that changed the weights; asking waits for the device.
  public package(set) var stepCount: Int {
    get { Int(stepsDone.item(as: Float.self)) }
    set { withoutGradients { stepsDone.fill(Double(newValue)) } }
  }
  /// ``stepCount`` on the device, float32.
  private let stepsDone: Tensor

  /// An optimizer that has made no step.
  public init(_ parameters: TrainedParameters, _ configuration: AdamWConfiguration) {
    self.parameters = parameters
    self.configuration = configuration
    func zeros() -> [Tensor] {
      parameters.leaves.map { Tensor.zeros($0.master.shape, device: $0.master.device) }
    }
    firstMoments = zeros()
    secondMoments = zeros()
    stepsDone = Tensor.zeros([], device: parameters.leaves[0].master.device)
  }

  /// Changes the weights by the summed gradients, after their common length is brought below the limit.
  ///
  /// A leaf without a gradient stays as it is.
  ///
  /// - Parameters:
  ///   - gradients: the sums; they may be scaled in place.
  ///   - rateFraction: the schedule's part of the peak rate.
  public func step(_ gradients: GradientSums, rateFraction: Double) -> Outcome {
    let norm = enqueue(gradients, rateFraction: rateFraction).item(as: Double.self)
    return norm.isFinite ? .stepped(norm: norm) : .skipped
  }

  /// As ``step(_:rateFraction:)``, without waiting for the device.
  ///
  /// - Returns: the length of all gradients before clipping, a float64 scalar on the device; where it is not finite the
  ///   step changes nothing.
  public func enqueue(_ gradients: GradientSums, rateFraction: Double) -> Tensor {
    withoutGradients {
      let present = gradients.sums.indices.filter { gradients.sums[$0] != nil }
      guard !present.isEmpty else {
        return Tensor.zeros([], dtype: .float64, device: stepsDone.device)
      }
      let norm = globalNorm(present.compactMap { gradients.sums[$0] })
      let isFinite = abs(norm) .< Double.infinity
      let limit = configuration.maximumNorm
      let divisor = limit > 0 ? (norm / limit).clamped(min: 1).float32 : nil
      stepsDone.add(isFinite.float32)
      let groups = Dictionary(grouping: present) { index in
        Group(
          decays: parameters.leaves[index].decays, rateFactor: parameters.leaves[index].rateFactor)
      }
      for (group, indices) in groups {
        update(
          group, indices, gradients, rateFraction: rateFraction, divisor: divisor,
          isUnusable: (!isFinite).float32)
      }
      parameters.publish()
      return norm
    }
  }

  private struct Group: Hashable {
    let decays: Bool
    let rateFactor: Double
  }

  private func update(
    _ group: Group, _ indices: [Int], _ gradients: GradientSums, rateFraction: Double,
    divisor: Tensor?, isUnusable: Tensor
  ) {
    Self.fused.run(
      .tensors(indices.map { parameters.leaves[$0].master }),
      .tensors(indices.compactMap { gradients.sums[$0] }),
      .tensors(indices.map { firstMoments[$0] }), .tensors(indices.map { secondMoments[$0] }),
      .tensors([]), .tensors(indices.map { _ in stepsDone }),
      .double(configuration.learningRate * rateFraction * group.rateFactor),
      .double(configuration.beta1), .double(configuration.beta2),
      .double(group.decays ? configuration.weightDecay : 0), .double(configuration.eps),
      .bool(false), .bool(false), .optional(divisor), .tensor(isUnusable))
  }

  private static let fused = Operator("aten::_fused_adamw_")
}
