import Foundation
import JetKernels
public import JetTensor

/// RetNet's multi-scale retention: rotary positions, and in each head a decay of its own that never changes.
///
/// `q, k = rotary(W x)`, `v = W_v x`, `α_h = 1 − 2^{−5−h}` for head `h` from 0, `o = retention(q, k, v, α)`,
/// `y = W_o (rmsNorm(o) · silu(W_g x))`.
///
/// - Source: Sun et al. 2023, [arXiv:2307.08621](https://arxiv.org/abs/2307.08621), section 2.2; upstream
///   `fla/layers/multiscale_retention.py`.
public struct RetNet: LinearMixer {
  /// Heads and widths.
  public let configuration: RetNetConfiguration
  /// All that reads the layer's input, merged: query, key, value, gate.
  public let input: Linear
  /// The norm of the read-outs of a head.
  public let norm: RMSNorm
  /// The output projection.
  public let output: Linear
  /// Log decays, `[H]`, float32; no parameter.
  let logDecay: Tensor
  /// How positions turn queries and keys; no parameter.
  let frequencies: RotaryFrequencies

  init(
    _ configuration: RetNetConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (heads, deviation) = (configuration.heads, model.initializerDeviation)
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    input = try Linear(
      model.width,
      toEach: [("q_proj", keys), ("k_proj", keys), ("v_proj", values), ("g_proj", values)],
      deviation: deviation, path)
    norm = try RMSNorm(
      configuration.valueWidth, eps: configuration.normEps, path / "g_norm_swish_gate")
    output = try Linear(values, to: model.width, deviation: deviation, path / "o_proj")
    // log1p keeps the digits of 1 − 2⁻⁵⁻ʰ, which float32 rounds to 1 from the twentieth head on.
    let decays = (0..<heads).map { Float(log1p(-exp2(-5 - Double($0)))) }
    logDecay = Tensor(decays).to(path.store.device)
    let turning = RotaryConfiguration(theta: configuration.rotaryTheta)
      .frequencies(headWidth: configuration.keyWidth, length: 0)
    frequencies = RotaryFrequencies(
      radians: Tensor(turning.radians).to(path.store.device),
      magnitude: Double(turning.magnitude))
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = context.spread(input(x)).split([keys, keys, values, values], dim: -1)
    let angles = context.angles(
      headWidth: configuration.keyWidth, by: RotaryConfiguration(theta: configuration.rotaryTheta))
    var carried =
      state ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let mixed = retention(
      query: rotary(parts[0].heads(heads), angles), key: rotary(parts[1].heads(heads), angles),
      value: context.clearingPadding(parts[2]).heads(heads),
      logDecay: context.clearingPadding(logDecay.expanded(parts[0].shape.dropLast() + [heads])),
      memory: &carried.memory, scale: 1 / Double(configuration.keyWidth).squareRoot())
    if state != nil { state = carried }
    let gated = gatedRMSNorm(
      mixed, gate: parts[3].heads(heads), weight: norm.weight, eps: norm.eps)  // [B, T, H, V]
    return output(context.packed(gated.mergedHeads))
  }
}
