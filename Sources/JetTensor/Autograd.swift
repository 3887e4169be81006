internal import CJetTorch

/// Whether operations on this thread are recorded for gradients.
public var gradientsAreEnabled: Bool { jt_gradient_mode() }

/// Runs `body` without recording operations for gradients.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = jt_gradient_mode()
  jt_set_gradient_mode(false)
  defer { jt_set_gradient_mode(before) }
  return try body()
}

/// `∂outputs/∂inputs`, each output weighted by its seed; nil for an input that no output depends on.
///
/// - Parameters:
///   - seeds: one for each output and of its shape; may be left out where the outputs are scalars.
///   - keepGraph: whether the graph can be walked again.
///   - createGraph: whether the gradients can be differentiated in turn.
public func gradients(
  of outputs: [Tensor], by inputs: [Tensor], seeds: [Tensor] = [], keepGraph: Bool = false,
  createGraph: Bool = false
) -> [Tensor?] {
  precondition(
    seeds.isEmpty || seeds.count == outputs.count,
    "\(seeds.count) seeds for \(outputs.count) outputs")
  if (outputs + inputs + seeds).contains(where: \.isFailed) { return inputs.map { _ in nil } }
  let rawOutputs = outputs.map(\.handle.raw)
  let rawSeeds = seeds.isEmpty ? outputs.map { _ in nil } : seeds.map(\.handle.raw)
  let rawInputs = inputs.map(\.handle.raw)
  var found = [jt_tensor?](repeating: nil, count: inputs.count)
  _ = succeeds("gradients") {
    jt_gradients(
      rawOutputs, rawSeeds, Int32(outputs.count), rawInputs, Int32(inputs.count),
      keepGraph || createGraph,
      createGraph, &found)
  }
  return found.map { raw in raw.map { Tensor(adopting: $0) } }
}

extension Tensor {
  /// This tensor as a leaf whose gradient ``backward(seed:keepGraph:)`` accumulates.
  @discardableResult
  public func requiringGradient(_ required: Bool = true) -> Tensor {
    guard let raw = handle.raw else { return self }
    _ = succeeds("requiresGradient of \(summary)") {
      jt_tensor_set_requires_gradient(raw, required)
    }
    return self
  }

  /// Adds `∂self/∂leaf` to ``gradient`` of each leaf; `seed` may be left out for a scalar.
  public func backward(seed: Tensor? = nil, keepGraph: Bool = false) {
    guard let raw = handle.raw else { return }
    _ = succeeds("backward of \(summary)") { jt_backward(raw, seed?.handle.raw, keepGraph) }
  }

  /// What backward passes have accumulated; nil before the first.
  public var gradient: Tensor? {
    guard let raw = handle.raw else { return nil }
    var found: jt_tensor?
    _ = succeeds("gradient of \(summary)") { jt_tensor_gradient(raw, &found) }
    return found.map { Tensor(adopting: $0) }
  }

  /// Forgets ``gradient``.
  public func clearGradient() {
    guard let raw = handle.raw else { return }
    _ = succeeds("clearing a gradient") { jt_tensor_clear_gradient(raw) }
  }

  /// The same values, cut off from the graph of gradients; shares memory.
  public func detached() -> Tensor { Aten.detach(.tensor(self)) }
}
