import JetKernels
public import JetTensor

/// DeltaNet: the delta rule without decay, whose queries, keys and values pass a short convolution.
///
/// `q, k, v = silu(conv(W x))`, `β = sigmoid(W_b x)`, `o = gatedDeltaRule(q, k, v, β, 1)`, `y = W_o rmsNorm(o)`.
///
/// - Source: Yang et al. 2024, [arXiv:2406.06484](https://arxiv.org/abs/2406.06484); upstream
///   `fla/layers/delta_net.py`.
public struct DeltaNet: LinearMixer {
  /// Heads and widths.
  public let configuration: DeltaNetConfiguration
  /// All that reads the layer's input, merged: query, key, value, write.
  public let input: Linear
  /// Of query, key and value, one below the other.
  public let convolution: ShortConvolution
  /// The norm of the read-outs of a head.
  public let norm: RMSNorm
  /// The output projection.
  public let output: Linear

  init(
    _ configuration: DeltaNetConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (heads, deviation) = (configuration.heads, model.initializerDeviation)
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    input = try Linear(
      model.width,
      toEach: [("q_proj", keys), ("k_proj", keys), ("v_proj", values), ("b_proj", heads)],
      deviation: deviation, path)
    convolution = try ShortConvolution(
      of: [("q_conv1d", keys), ("k_conv1d", keys), ("v_conv1d", values)],
      taps: configuration.kernelSize, path)
    norm = try RMSNorm(configuration.valueWidth, eps: configuration.normEps, path / "o_norm")
    output = try Linear(values, to: model.width, deviation: deviation, path / "o_proj")
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = context.spread(input(x)).split([2 * keys + values, heads], dim: -1)
    var carried =
      state ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let mixable = convolution(parts[0], window: &carried.window, context)
      .split([keys, keys, values], dim: -1)
    let strength = context.clearingPadding(sigmoid(parts[1].float32))  // [B, T, H]
    let mixed = gatedDeltaRule(
      query: mixable[0].heads(heads), key: mixable[1].heads(heads), value: mixable[2].heads(heads),
      writeStrength: strength, logDecay: Tensor.zeros(strength.shape, device: x.device),
      memory: &carried.memory, scale: 1 / Double(configuration.keyWidth).squareRoot())
    if state != nil { state = carried }
    return output(context.packed(norm(mixed).mergedHeads))
  }
}
