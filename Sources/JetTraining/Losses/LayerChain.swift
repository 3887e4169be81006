import JetKernels
public import JetTensor

/// Layers one after the other, forwards and then backwards: an output and, where wanted, a loss at each layer.
///
/// With recomputation only the inputs of the layers are kept; each layer runs again when its gradients are due, so that
/// memory holds one layer's activations. Layers below the first that is trained run without a graph.
///
/// ```swift
/// let chain = LayerChain(embedded, trained: tensors) { layer, x in
///   LayerChain.Step(output: walk.output(x, layer: layer))
/// }
/// chain.backward(seed: gradientOfOutput) { layer, found in sums.add(found, at: indices[layer]) }
/// ```
public final class LayerChain {
  /// What a layer gives.
  public struct Step {
    /// The input of the next layer, of the shape of its own input.
    public var output: Tensor
    /// A scalar that is to be small beside the loss of the chain's output; nil for none.
    public var loss: Tensor?

    /// An output with its loss.
    public init(output: Tensor, loss: Tensor? = nil) {
      self.output = output
      self.loss = loss
    }
  }

  /// The output of the last layer, without a graph.
  public let output: Tensor
  /// The losses of the layers, without graphs. With recomputation those of trained layers come with
  /// ``backward(seed:_:)``.
  public private(set) var losses: [Int: Tensor] = [:]

  private let trained: [[Tensor]]
  private let first: Int
  private let wantsInput: Bool
  private let run: (Int, Tensor) -> Step
  /// Of all layers from ``first`` on with recomputation; of that one alone without.
  private var inputs: [Tensor] = []
  private var kept: (output: Tensor, losses: [Tensor])?

  /// Runs the layers.
  ///
  /// - Parameters:
  ///   - input: what the first layer is given; no gradient flows further back.
  ///   - trained: for each layer the tensors whose gradients are wanted; none stands in two layers.
  ///   - wantsInput: whether the gradient of `input` is wanted.
  ///   - recomputes: whether layers run again when their gradients are due.
  ///   - run: a layer by its number and input.
  public init(
    _ input: Tensor, trained: [[Tensor]], wantsInput: Bool = false, recomputes: Bool = true,
    run: @escaping (Int, Tensor) -> Step
  ) {
    self.trained = trained
    self.wantsInput = wantsInput
    self.run = run
    first = wantsInput ? 0 : trained.firstIndex { !$0.isEmpty } ?? trained.count
    var x = input.detached()
    var losses: [Int: Tensor] = [:]
    for layer in 0..<first {
      let step = withoutGradients { run(layer, x) }
      x = step.output
      losses[layer] = step.loss
    }
    if recomputes {
      for layer in first..<trained.count {
        inputs.append(x)
        // As when its gradients are due: the forms without gradients round otherwise.
        x = withoutTraces { run(layer, x.detached().requiringGradient()).output.detached() }
      }
      output = x
    } else {
      let start = x.detached().requiringGradient()
      inputs = [start]
      var parts: [Tensor] = []
      x = start
      for layer in first..<trained.count {
        let step = run(layer, x)
        x = step.output
        losses[layer] = step.loss?.detached()
        if let loss = step.loss { parts.append(loss) }
      }
      kept = (x, parts)
      output = x.detached()
    }
    self.losses = losses
  }

  /// Walks back from the output, once.
  ///
  /// - Parameters:
  ///   - seed: the gradient of ``output``; nil where only the layers' losses count.
  ///   - add: given each layer that was walked and the gradients of its trained tensors.
  /// - Returns: the gradient of the input where it is wanted.
  @discardableResult
  public func backward(seed: Tensor?, _ add: (Int, [Tensor?]) -> Void) -> Tensor? {
    guard first < trained.count else { return wantsInput ? seed : nil }
    return kept.map { backwardAtOnce($0.output, $0.losses, seed, add) }
      ?? backwardRecomputing(seed, add)
  }

  private func backwardAtOnce(
    _ output: Tensor, _ losses: [Tensor], _ seed: Tensor?, _ add: (Int, [Tensor?]) -> Void
  ) -> Tensor? {
    let tensors = trained[first...].flatMap(\.self)
    let found = walk(output, losses, seed, by: tensors + (wantsInput ? [inputs[0]] : []))
    var next = 0
    for layer in first..<trained.count {
      add(layer, Array(found[next..<next + trained[layer].count]))
      next += trained[layer].count
    }
    return wantsInput ? found[next] : nil
  }

  private func backwardRecomputing(
    _ seed: Tensor?, _ add: (Int, [Tensor?]) -> Void
  ) -> Tensor? {
    var seed = seed
    for layer in (first..<trained.count).reversed() {
      let x = inputs.removeLast().detached().requiringGradient()
      let step = run(layer, x)
      losses[layer] = step.loss?.detached()
      let isLast = layer == first && !wantsInput
      let found = walk(
        step.output, step.loss.map { [$0] } ?? [], seed, by: trained[layer] + (isLast ? [] : [x]))
      add(layer, Array(found.prefix(trained[layer].count)))
      if !isLast { seed = found.last ?? nil }
    }
    return wantsInput ? seed : nil
  }

  /// Gradients of the output weighted by its seed and of the losses; nil for what none of them depends on.
  private func walk(
    _ output: Tensor, _ losses: [Tensor], _ seed: Tensor?, by inputs: [Tensor]
  ) -> [Tensor?] {
    guard !inputs.isEmpty, seed != nil || !losses.isEmpty else { return inputs.map { _ in nil } }
    let one = Tensor.ones([], device: output.device)
    return gradients(
      of: (seed == nil ? [] : [output]) + losses, by: inputs,
      seeds: (seed.map { [$0] } ?? []) + losses.map { one.to($0.dtype) })
  }
}
