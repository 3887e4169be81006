public import JetKernels
public import JetTensor

/// JetBlock: the gated delta rule whose values pass a convolution with kernels made from each token.
///
/// `q = silu(W_q x)`, `k = silu(W_k x)`, `v = silu(conv(W_v x; W₂ silu(W₁ x) + b₂))`, `β = sigmoid(W_b x)`,
/// `log α = −e^A softplus(W_a x + dt)`, `o = gatedDeltaRule(q, k, v, β, α)`,
/// `y = W_o (rmsNorm(o) · silu(W_g x))`. The search may put the convolution on queries and keys too, and may fix its
/// kernels; with both the block is Gated DeltaNet.
///
/// - Source: Gu et al. 2025, [arXiv:2508.15884](https://arxiv.org/abs/2508.15884), section 2.4, and the released
///   `jet_block.py`.
public struct JetBlock: LinearMixer {
  /// Heads and widths.
  public let configuration: JetBlockConfiguration
  /// All that reads the block's input, merged: query, key, value, gate, generators' first layers, decay, write.
  public let input: Linear
  /// What the values, or queries and keys too, pass.
  public let convolution: JetBlockConvolution
  /// How much each head keeps.
  public let decay: DecayGate
  /// The norm of the read-outs of a head.
  public let norm: RMSNorm
  /// The output projection.
  public let output: Linear

  init(
    _ configuration: JetBlockConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (heads, deviation) = (configuration.heads, model.initializerDeviation)
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let generators = zip(configuration.streams, configuration.generatorWidths).map {
      stream, width in
      ("\(JetBlockConvolution.generatorName(stream.prefix)).kernel_generator.w1", width)
    }
    input = try Linear(
      model.width,
      toEach: [("q_proj", keys), ("k_proj", keys), ("v_proj", values), ("g_proj", values)]
        + generators + [("a_proj", heads), ("b_proj", heads)],
      deviation: deviation, path)
    convolution = try JetBlockConvolution(configuration, deviation: deviation, path)
    decay = try DecayGate(heads: heads, path)
    norm = try RMSNorm(configuration.valueWidth, eps: configuration.normEps, path / "o_norm")
    output = try Linear(values, to: model.width, deviation: deviation, path / "o_proj")
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    // Queries and keys that pass no convolution are pieces of their own, which pass `silu` where the rule reads them.
    let first = configuration.convolved == .values ? [keys, keys, values] : [2 * keys + values]
    let parts = input.pieces(
      x, first + [values] + configuration.generatorWidths + [heads, heads], context)
    let gate = parts[first.count].heads(heads)
    var carried =
      state ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let mixable = convolved(
      Array(parts.prefix(first.count)), inner: Array(parts[first.count + 1..<parts.count - 2]),
      window: &carried.window, context)
    let gates = decay(decay: parts[parts.count - 2], write: parts[parts.count - 1], context)
    let mixed = gatedDeltaRule(
      query: mixable[0].heads(heads), key: mixable[1].heads(heads), value: mixable[2].heads(heads),
      writeStrength: gates.writeStrength, logDecay: gates.logDecay, memory: &carried.memory,
      scale: 1 / Double(configuration.keyWidth).squareRoot(),
      activates: configuration.convolved == .values)  // [B, T, H, V]
    if state != nil { state = carried }
    let gated = gatedRMSNorm(mixed, gate: gate, weight: norm.weight, eps: norm.eps)
    return output(context.packed(gated.mergedHeads))
  }

  /// Queries, keys and values, `silu` included for what is convolved; `projected` has queries, keys and values, or all
  /// three as one.
  private func convolved(
    _ projected: [Tensor], inner: [Tensor], window: inout Tensor, _ context: ForwardContext
  ) -> [Tensor] {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    switch configuration.convolved {
    case .values:
      let v = convolution(projected[2], inner: inner, window: &window, context)
      return [projected[0], projected[1], v]
    case .queriesKeysAndValues:
      return convolution(projected[0], inner: inner, window: &window, context)
        .split([keys, keys, values], dim: -1)
    }
  }

  /// Appends the fused form, which there is for the released form of the block.
  public func appendStep(
    to steps: inout LayerSteps, norm inputNorm: RMSNorm, state: RecurrentState, slots: Tensor
  ) -> Bool {
    guard configuration.isReleasedForm, configuration.kernelSize == Steps.convolutionTaps,
      case .dynamic(let generators) = convolution
    else { return false }
    steps.appendJetBlock(
      norm: inputNorm.weight, eps: inputNorm.eps, input: input.weight,
      generator: generators[0].weight, generatorBias: generators[0].bias, logRate: decay.logRate,
      stepBias: decay.stepBias, window: state.window, memory: state.memory,
      slots: slots, outputNorm: norm.weight, outputEps: norm.eps, output: output.weight,
      heads: configuration.heads)
    return true
  }
}
