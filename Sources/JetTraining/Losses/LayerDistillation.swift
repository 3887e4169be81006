public import JetModels
public import JetTensor

/// Each mixer of a student learns to give what the teacher's mixer at the same place gives.
///
/// The teacher's hidden states go into every student mixer, so no gradient passes an MLP or another layer, and one layer
/// at a time is in memory: `loss = mean over layers of mean((student − teacher)²) / mean(teacher²)`.
public final class LayerDistillation: Objective {
  /// The model that is imitated.
  public let teacher: HybridModel
  /// The model that learns.
  public let student: HybridModel
  /// The layers that learn.
  public let layers: [Int]
  private let parameters: TrainedParameters
  private let isRelative: Bool
  private let prefix: String

  /// An objective for the layers of `student` of which something is trained.
  ///
  /// - Parameters:
  ///   - parameters: what is trained: parts of mixers and of the norms before them.
  ///   - isRelative: whether each layer's error is divided by the mean square of the teacher's outputs, without which
  ///     the layers with large outputs would use up the limit on the gradients' length.
  ///   - prefix: what stands before the student's names in `parameters`; what begins otherwise gets no gradient.
  /// - Throws: ``TrainingError`` when the models do not fit or something is trained that this loss does not reach.
  public init(
    teacher: HybridModel, student: HybridModel, parameters: TrainedParameters,
    isRelative: Bool = true, prefix: String = ""
  ) throws {
    try expectPair(teacher, student)
    for name in parameters.leaves.flatMap(\.names) where name.hasPrefix(prefix) {
      guard name.contains(".self_attn.") || name.contains(".input_layernorm.") else {
        throw TrainingError(
          "\(name) is to be trained, but a loss on the outputs of mixers does not depend on it; "
            + "freeze it or add another loss")
      }
    }
    self.teacher = teacher
    self.student = student
    self.parameters = parameters
    self.isRelative = isRelative
    self.prefix = prefix
    layers = student.layers.indices.filter {
      !parameters.indices(layer: $0, prefix: prefix).isEmpty
    }
  }

  /// Adds the gradients of all layers; reports each layer's error as `layer.N`.
  public func accumulate(
    _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor] {
    let (from, to) = (LayerWalk(teacher, batch.input), LayerWalk(student, batch.input))
    var losses: [String: Tensor] = [:]
    var x = withoutGradients { from.embedded }
    for layer in 0...(layers.last ?? 0) {
      let wanted = withoutGradients { from.mixed(x, layer: layer) }
      if layers.contains(layer) {
        let given = to.mixed(x.to(student.dtype), layer: layer)
        let loss = outputError(given, wanted, isRelative: isRelative)
        let indices = parameters.indices(layer: layer, prefix: prefix)
        gradients.add(
          JetTensor.gradients(
            of: [loss * (scale / Double(layers.count))], by: parameters.computed(indices)),
          at: indices)
        losses["layer.\(layer)"] = loss.detached()
      }
      if layer < (layers.last ?? 0) {
        x = withoutGradients { from.completed(x, mixed: wanted, layer: layer) }
      }
    }
    losses["loss"] = withoutGradients {
      Tensor.stack(layers.compactMap { losses["layer.\($0)"] }, dim: 0).mean([0])
    }
    return losses
  }

  /// Teacher and student.
  public var models: [HybridModel] { [teacher, student] }

  /// The teacher forward up to the last layer that learns, without that layer's MLP; the student's mixers that learn
  /// three times: forward, and backward to inputs and to weights.
  public func operations(sequences: Int, length: Int) -> Double? {
    let last = layers.last ?? 0
    let teaching =
      teacher.mixerOperations(0...last, sequences: sequences, length: length)
      + teacher.mlpOperations(layers: last, tokens: sequences * length)
    return teaching + 3 * student.mixerOperations(layers, sequences: sequences, length: length)
  }
}

/// How far a mixer's outputs are from the teacher's: `mean((given − wanted)²)`, over `mean(wanted²)` where relative.
public func outputError(_ given: Tensor, _ wanted: Tensor, isRelative: Bool = true) -> Tensor {
  let wanted = wanted.float32
  let difference = given.float32 - wanted
  let squared = (difference * difference).mean()
  return isRelative ? squared / ((wanted * wanted).mean() + 1e-12) : squared
}

/// Refuses a teacher and a student that do not stand side by side.
public func expectPair(_ teacher: HybridModel, _ student: HybridModel) throws(TrainingError) {
  let (a, b) = (teacher.configuration, student.configuration)
  guard a.width == b.width, a.mixers.count == b.mixers.count,
    a.vocabularySize == b.vocabularySize
  else {
    throw TrainingError(
      "a teacher of \(a.mixers.count) layers, width \(a.width) and \(a.vocabularySize) tokens cannot "
        + "teach a student of \(b.mixers.count), \(b.width) and \(b.vocabularySize); they must agree"
    )
  }
}
