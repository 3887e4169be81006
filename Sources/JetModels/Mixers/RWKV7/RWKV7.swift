import JetKernels
public import JetTensor

/// RWKV7's time mixing: the generalized delta rule, every input of which looks at two tokens.
///
/// With `x̃ = x + (x_{t−1} − x) · μ`, a `μ` for each use: `r, k, v = W x̃`, `log α = −e^{−1/2} sigmoid(W₂ tanh(W₁ x̃) + b)`,
/// `a = sigmoid(W₂ W₁ x̃ + b)`, `g = W₂ sigmoid(W₁ x̃)`, `κ = k · k_k` as unit rows, `k' = k · (1 + (a − 1) · k_a)`;
/// `o = generalizedDeltaRule(r, k', v, −κ, a · κ, α)`, `y = W_o ((headNorm(o) + (r · r_k · k') v) · g)`.
///
/// It is upstream's first layer: the mixing of later layers' values with those of the first is left out, as in a hybrid
/// model there need be no first one.
///
/// - Source: Peng et al. 2025, [arXiv:2503.14456](https://arxiv.org/abs/2503.14456), section 4; upstream
///   `fla/layers/rwkv7.py`.
public struct RWKV7: LinearMixer {
  /// Heads and widths.
  public let configuration: RWKV7Configuration
  /// How far each use of the input leans to the token before.
  public let shifts: RWKV7Shifts
  /// The receptance: what the memory is asked for.
  public let receptance: Linear
  /// The projection to keys.
  public let key: Linear
  /// The projection to values.
  public let value: Linear
  /// The logits of the decays.
  public let decay: LowRank
  /// The logits of the in-context learning rates.
  public let rate: LowRank
  /// The gate of the read-outs.
  public let gate: LowRank
  /// The scales of the key that is removed, of the rate in the key that is written, and of the token's own value.
  public let keyScales: RWKV7KeyScales
  /// Scales of the norm of the read-outs, `[H·V]`.
  public let normWeight: Tensor
  /// Offsets of the norm of the read-outs, `[H·V]`.
  public let normBias: Tensor
  /// The output projection.
  public let output: Linear

  init(
    _ configuration: RWKV7Configuration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    guard configuration.width == model.width else {
      throw ModelError(
        "an RWKV7 layer of width \(configuration.width) in a model of width \(model.width)")
    }
    self.configuration = configuration
    let (width, deviation) = (model.width, model.initializerDeviation)
    let (heads, keyWidth) = (configuration.heads, configuration.keyWidth)
    let (keys, values) = (heads * keyWidth, heads * configuration.valueWidth)
    func linear(_ name: String, _ outputs: Int) throws -> Linear {
      try Linear(width, to: outputs, deviation: deviation, path / name)
    }
    func lowRank(
      _ name: String, _ rank: Int, _ outputs: Int, bias: [Float]?
    ) throws -> LowRank {
      try LowRank(
        width, through: rank, to: outputs, bias: bias.map { .values($0) }, deviation: deviation,
        down: path / name / "lora" / "0", up: path / name / "lora" / "2")
    }
    shifts = try RWKV7Shifts(width: width, path)
    receptance = try linear("r_proj", keys)
    key = try linear("k_proj", keys)
    value = try linear("v_proj", values)
    decay = try lowRank(
      "w_lora", configuration.decayRank, keys,
      bias: RWKV7Prior.decayBias(channels: keys, headWidth: keyWidth))
    rate = try lowRank(
      "a_lora", configuration.rateRank, keys,
      bias: RWKV7Prior.rateBias(channels: keys, headWidth: keyWidth))
    gate = try lowRank("g_lora", configuration.gateRank, values, bias: nil)
    keyScales = try RWKV7KeyScales(heads: heads, keyWidth: keyWidth, path)
    normWeight = try (path / "g_norm").parameter("weight", [values], .constant(1))
    normBias = try (path / "g_norm").parameter("bias", [values], .constant(0))
    output = try Linear(values, to: width, deviation: deviation, path / "o_proj")
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let x = context.spread(x)  // Each projection reads a mixture with the token before.
    var carried =
      state ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let previous = previousTokens(x, window: &carried.window, counts: context.paddedCounts)
    var inputs = inputs(x, previous: previous)
    inputs.value = context.clearingPadding(inputs.value)
    inputs.logDecay = context.clearingPadding(inputs.logDecay)
    inputs.removed = context.clearingPadding(inputs.removed)
    let mixed = generalizedDeltaRule(
      query: inputs.receptance, key: inputs.written, value: inputs.value.float32,
      recallKey: -inputs.removed, rewriteKey: inputs.removed * inputs.rate,
      logDecay: inputs.logDecay, memory: &carried.memory)  // [B, T, H, V]
    if state != nil { state = carried }
    return output(context.packed(opened(mixed, inputs)))
  }
}
