public import JetModels
public import JetTensor

/// A tensor that is trained: what the model computes with, and its float32 master.
public struct TrainedLeaf {
  /// The names of its parts, in the order of their rows.
  public let names: [String]
  /// What the model computes with, in its own type; gradients flow to it.
  public let computed: Tensor
  /// The weights that the optimizer changes, float32; the same memory as ``computed`` where that is float32.
  public let master: Tensor
  /// Whether weight decay applies.
  public let decays: Bool
  /// Multiplies the learning rate.
  public let rateFactor: Double
  /// Rows of each part.
  let rows: [Int]

  /// The part of each name in a tensor of the leaf's shape; the parts share its memory.
  func parts(of tensor: Tensor) -> [(name: String, tensor: Tensor)] {
    if names.count == 1 { return [(names[0], tensor)] }
    return zip(names, tensor.split(rows, dim: 0)).map { ($0, $1) }
  }
}

/// The parameters of a model that are trained; all others are frozen.
public struct TrainedParameters {
  /// In the order in which the model made them.
  public let leaves: [TrainedLeaf]
  /// Numbers that are trained.
  public var elementCount: Int { leaves.reduce(0) { $0 + $1.master.count } }

  init(leaves: [TrainedLeaf]) { self.leaves = leaves }

  /// Chooses by rules, of which the last that matches a name decides; what none matches is frozen.
  ///
  /// Gradients are asked for on what is trained and on nothing else.
  ///
  /// - Throws: ``TrainingError`` when a rule matches nothing, when nothing is trained, or when rules differ about
  ///   parameters that the model holds in one tensor.
  public init(of model: HybridModel, rules: [ParameterRule]) throws {
    try self.init(of: model.parameters, rules: rules)
  }

  /// Chooses among all parameters of a store; the rules decide as they do for a model.
  public init(of store: ParameterStore, rules: [ParameterRule]) throws {
    let rows = Dictionary(
      store.parameters.map { ($0.name, $0.tensor.shape.first ?? 1) },
      uniquingKeysWith: { a, _ in a })
    for rule in rules where !store.parameters.contains(where: { rule.matches($0.name) }) {
      throw TrainingError(
        "the rule for '\(rule.names)' matches no parameter of the model; mend or remove it")
    }
    var leaves: [TrainedLeaf] = []
    for (tensor, names) in zip(store.leaves, store.leafNames) {
      let found = names.map { name in rules.last { $0.matches(name) } }
      func behaviour(_ rule: ParameterRule?) -> ParameterRule? {
        guard let rule, rule.trains else { return nil }
        return ParameterRule(
          "", trains: true, decays: rule.decays, rateFactor: rule.rateFactor)
      }
      let first = behaviour(found[0])
      if let other = found.firstIndex(where: { behaviour($0) != first }) {
        throw TrainingError(
          "\(names[0]) and \(names[other]) are one tensor in the model but have different rules; "
            + "give them the same")
      }
      tensor.requiringGradient(first != nil)
      guard let first else { continue }
      let plain = tensor.detached()
      leaves.append(
        TrainedLeaf(
          names: names, computed: tensor,
          master: tensor.dtype == .float32 ? plain : plain.float32,
          decays: first.decays && tensor.rank >= 2, rateFactor: first.rateFactor,
          rows: names.map { rows[$0] ?? 0 }))
    }
    guard !leaves.isEmpty else {
      throw TrainingError("no parameter is trained; add a rule that trains some")
    }
    self.leaves = leaves
  }

  /// Writes the master weights into what the model computes with.
  public func publish() {
    withoutGradients {
      for leaf in leaves where leaf.computed.dtype != .float32 {
        leaf.computed.detached().assign(leaf.master)
      }
    }
  }

  /// The places in ``leaves`` of what the names begin with.
  public func indices(prefix: String) -> [Int] {
    leaves.indices.filter { leaves[$0].names.allSatisfy { $0.hasPrefix(prefix) } }
  }

  /// The places in ``leaves`` of a layer's parameters, whose names stand behind `prefix`.
  public func indices(layer: Int, prefix: String = "") -> [Int] {
    indices(prefix: "\(prefix)model.layers.\(layer).")
  }

  /// The place in ``leaves`` of a tensor of the model; nil where it is frozen.
  func index(name: String) -> Int? { leaves.firstIndex { $0.names.contains(name) } }

  /// The tensors of some leaves to which gradients flow.
  public func computed(_ indices: [Int]) -> [Tensor] { indices.map { leaves[$0].computed } }
}
