public import JetModels
public import JetTensor

/// What a run makes small.
public protocol Objective: AnyObject {
  /// Adds the gradients of `scale` times the batch's loss to the sums.
  ///
  /// - Returns: the loss, not scaled, under the name `loss`, and its parts under names of their own; scalars.
  /// - Throws: ``TrainingError`` or what libtorch reports.
  func accumulate(
    _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor]

  /// The generators that it draws from, whose states a checkpoint keeps.
  var generators: [String: Generator] { get }

  /// The models that it reads, each once: a resumed run must have the same frozen weights in them.
  var models: [HybridModel] { get }

  /// Floating-point operations of a batch, forward and backward, the teacher's among them; nil where it cannot tell.
  ///
  /// Only products are counted, a multiply-add as two; norms, activations and the optimizer are left out.
  func operations(sequences: Int, length: Int) -> Double?
}

extension Objective {
  /// None.
  public var generators: [String: Generator] { [:] }

  /// None, so that nothing is compared.
  public var models: [HybridModel] { [] }

  /// Not told.
  public func operations(sequences: Int, length: Int) -> Double? { nil }
}

/// A weighted sum of objectives over the same parameters.
public final class WeightedSum: Objective {
  private let parts: [(name: String, weight: Double, objective: any Objective)]

  /// A sum whose parts are reported as `name` and `name.part`.
  public init(_ parts: [(name: String, weight: Double, objective: any Objective)]) {
    self.parts = parts
  }

  /// Those of all parts.
  public var generators: [String: Generator] {
    parts.reduce(into: [:]) { all, part in
      for (name, generator) in part.objective.generators {
        all["\(part.name).\(name)"] = generator
      }
    }
  }

  /// Those of all parts, each once.
  public var models: [HybridModel] {
    parts.flatMap(\.objective.models).reduce(into: []) { all, model in
      if !all.contains(where: { $0.parameters === model.parameters }) { all.append(model) }
    }
  }

  /// The sum; nil where one part cannot tell.
  public func operations(sequences: Int, length: Int) -> Double? {
    parts.reduce(0) { sum, part in
      guard let sum, let own = part.objective.operations(sequences: sequences, length: length)
      else { return nil }
      return sum + own
    }
  }

  /// Adds the gradients of all parts, each times its weight.
  public func accumulate(
    _ batch: PackedBatch, scale: Double, into gradients: GradientSums
  ) throws -> [String: Tensor] {
    var losses: [String: Tensor] = [:]
    var sum: Tensor?
    for part in parts {
      let own = try part.objective.accumulate(batch, scale: scale * part.weight, into: gradients)
      for (name, loss) in own {
        losses[name == "loss" ? part.name : "\(part.name).\(name)"] = loss
        guard name == "loss" else { continue }
        let weighted = loss * part.weight
        sum = sum.map { $0 + weighted } ?? weighted
      }
    }
    losses["loss"] = sum
    return losses
  }
}
