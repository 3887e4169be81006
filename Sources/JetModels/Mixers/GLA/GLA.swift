import JetKernels
public import JetTensor

/// Gated linear attention: each token brings a decay for each channel of the key.
///
/// `q, k, v = W x`, `log α = log sigmoid(W₂ W₁ x + b) / 16`, `o = gatedLinearAttention(q, k, v, α)`,
/// `y = W_o (rmsNorm(o) · silu(W_g x))`.
///
/// - Source: Yang et al. 2023, [arXiv:2312.06635](https://arxiv.org/abs/2312.06635), section 4.4; upstream
///   `fla/layers/gla.py`.
public struct GLA: LinearMixer {
  /// Heads and widths.
  public let configuration: GLAConfiguration
  /// What reads the layer's input at full rank, merged: query, key, value, gate.
  public let input: Linear
  /// The logits of the decays.
  public let decay: LowRank
  /// The norm of the read-outs of a head.
  public let norm: RMSNorm
  /// The output projection.
  public let output: Linear

  init(
    _ configuration: GLAConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (heads, deviation) = (configuration.heads, model.initializerDeviation)
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    input = try Linear(
      model.width,
      toEach: [("q_proj", keys), ("k_proj", keys), ("v_proj", values), ("g_proj", values)],
      deviation: deviation, path)
    decay = try LowRank(
      model.width, through: configuration.decayRank, to: keys, bias: .constant(0),
      deviation: deviation, down: path / "gk_proj" / "0", up: path / "gk_proj" / "1")
    norm = try RMSNorm(
      configuration.valueWidth, eps: configuration.normEps, path / "g_norm_swish_gate")
    output = try Linear(values, to: model.width, deviation: deviation, path / "o_proj")
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = context.spread(input(x)).split([keys, keys, values, values], dim: -1)
    let logits = context.spread(decay(x)).float32  // [B, T, H·K]
    let logDecay = -softplus(-logits) / configuration.decayDivisor
    var carried =
      state ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let mixed = gatedLinearAttention(
      query: parts[0].heads(heads), key: parts[1].heads(heads),
      value: context.clearingPadding(parts[2]).heads(heads),
      logDecay: context.clearingPadding(logDecay).heads(heads), memory: &carried.memory,
      scale: 1 / Double(configuration.keyWidth).squareRoot())  // [B, T, H, V]
    if state != nil { state = carried }
    let gated = gatedRMSNorm(
      mixed, gate: parts[3].heads(heads), weight: norm.weight, eps: norm.eps)
    return output(context.packed(gated.mergedHeads))
  }
}
