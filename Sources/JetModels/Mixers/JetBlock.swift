import Foundation
import JetKernels
public import JetTensor

/// JetBlock: the gated delta rule whose values pass a convolution with kernels made from each token.
///
/// `q = silu(W_q x)`, `k = silu(W_k x)`, `v = silu(conv(W_v x; W₂ silu(W₁ x) + b₂))`, `β = sigmoid(W_b x)`,
/// `log α = −e^A softplus(W_a x + dt)`, `o = gatedDeltaRule(q, k, v, β, α)`,
/// `y = W_o (rmsNorm(o) · silu(W_g x))`.
///
/// - Source: Gu et al. 2025, [arXiv:2508.15884](https://arxiv.org/abs/2508.15884), section 2.4, and the released
///   `jet_block.py`.
public struct JetBlock {
  /// Heads and widths.
  public let configuration: JetBlockConfiguration
  /// All that reads the block's input, merged: query, key, value, gate, generator's first layer, decay, write.
  public let input: Linear
  /// The generator's second layer: the kernels of all channels, taps side by side, `[H·V·W, R]`.
  public let generator: Tensor
  /// Its bias, `[H·V·W]`.
  public let generatorBias: Tensor
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
    input = try Linear(
      model.width,
      toEach: [
        ("q_proj", keys), ("k_proj", keys), ("v_proj", values), ("g_proj", values),
        ("dynamic_conv1d.kernel_generator.w1", configuration.generatorWidth), ("a_proj", heads),
        ("b_proj", heads),
      ], deviation: deviation, path)
    // Zero weights and a random bias: the block begins with a static convolution, and as the first layer is not
    // zero its gradients are alive.
    let second = path / "dynamic_conv1d" / "kernel_generator" / "w2"
    let taps = values * configuration.kernelSize
    generator = try second.parameter("weight", [taps, configuration.generatorWidth], .constant(0))
    generatorBias = try second.parameter("bias", [taps], .normal(deviation: deviation))
    decay = try DecayGate(heads: heads, path)
    norm = try RMSNorm(configuration.valueWidth, eps: configuration.normEps, path / "o_norm")
    output = try Linear(values, to: model.width, deviation: deviation, path / "o_proj")
  }

  func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let heads = configuration.heads
    let (keys, values) = (heads * configuration.keyWidth, heads * configuration.valueWidth)
    let parts = input(x).split(
      [keys, keys, values, values, configuration.generatorWidth, heads, heads], dim: -1)
    var carried =
      state
      ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let kernels = linear(silu(parts[4]), generator, generatorBias)  // [B, T, H·V·W]
    let v = dynamicConvolution(
      parts[2].contiguous(), kernels: kernels, window: &carried.window, counts: context.paddedCounts
    )
    let gates = decay(decay: parts[5], write: parts[6], context)
    let mixed = gatedDeltaRule(
      query: silu(parts[0]).heads(heads), key: silu(parts[1]).heads(heads), value: v.heads(heads),
      writeStrength: gates.writeStrength, logDecay: gates.logDecay, memory: &carried.memory,
      scale: 1 / sqrt(Double(configuration.keyWidth)))  // [B, T, H, V]
    if state != nil { state = carried }
    let gated = gatedRMSNorm(
      mixed, gate: parts[3].heads(heads), weight: norm.weight, eps: norm.eps)
    return output(gated.mergedHeads)
  }

  /// Whether ``step(_:norm:state:)`` is made for this block's convolution.
  var hasStep: Bool { configuration.kernelSize == Steps.convolutionTaps }

  /// One token a sequence, norm and residual included: `x + block(norm(x))`, `x` `[N, D]`.
  func step(_ x: Tensor, norm inputNorm: RMSNorm, state: inout RecurrentState) -> Tensor {
    Steps.jetBlock(
      x, norm: inputNorm.weight, eps: inputNorm.eps, input: input.weight,
      generator: generator, generatorBias: generatorBias,
      logRate: decay.logRate, stepBias: decay.stepBias, window: state.window, memory: state.memory,
      outputNorm: norm.weight, outputEps: norm.eps, output: output.weight,
      heads: configuration.heads)
  }
}
