import Foundation
import JetKernels
public import JetTensor

/// Gated DeltaNet: the gated delta rule whose queries, keys and values pass a short convolution.
///
/// `q, k, v = silu(conv(W x))`, `β = sigmoid(W_b x)`, `log α = −e^A softplus(W_a x + dt)`,
/// `o = gatedDeltaRule(q, k, v, β, α)`, `y = W_o (rmsNorm(o) · silu(W_g x))`.
///
/// - Source: Yang et al. 2024, [arXiv:2412.06464](https://arxiv.org/abs/2412.06464); upstream
///   `fla/layers/gated_deltanet.py`.
public struct GatedDeltaNet: LinearMixer {
  /// Heads and widths.
  public let configuration: GatedDeltaNetConfiguration
  /// All that reads the layer's input, merged: query, key, value, gate, decay, write.
  public let input: Linear
  /// Of query, key and value, one below the other.
  public let convolution: ShortConvolution
  /// How much each head keeps.
  public let decay: DecayGate
  /// The norm of the read-outs of a head.
  public let norm: RMSNorm
  /// The output projection.
  public let output: Linear

  init(
    _ configuration: GatedDeltaNetConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (heads, deviation) = (configuration.heads, model.initializerDeviation)
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    input = try Linear(
      model.width,
      toEach: [
        ("q_proj", keys), ("k_proj", keys), ("v_proj", values), ("g_proj", values),
        ("a_proj", heads), ("b_proj", heads),
      ], deviation: deviation, path)
    convolution = try ShortConvolution(
      of: [("q_conv1d", keys), ("k_conv1d", keys), ("v_conv1d", values)],
      taps: configuration.kernelSize, path)
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
    let parts = input.pieces(x, [2 * keys + values, values, heads, heads], context)
    var carried =
      state
      ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let mixable = convolution(parts[0], window: &carried.window, context)
      .split([keys, keys, values], dim: -1)
    let gates = decay(decay: parts[2], write: parts[3], context)
    let mixed = gatedDeltaRule(
      query: mixable[0].heads(heads), key: mixable[1].heads(heads), value: mixable[2].heads(heads),
      writeStrength: gates.writeStrength, logDecay: gates.logDecay, memory: &carried.memory,
      scale: 1 / sqrt(Double(configuration.keyWidth)))  // [B, T, H, V]
    if state != nil { state = carried }
    let gated = gatedRMSNorm(
      mixed, gate: parts[1].heads(heads), weight: norm.weight, eps: norm.eps)
    return output(context.packed(gated.mergedHeads))
  }
}
