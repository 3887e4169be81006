import JetKernels
public import JetTensor

/// Mamba2: a state-space model, computed as retention whose decay each token brings.
///
/// `x', B, C = silu(conv(W x) + b)`, `Δ = softplus(W_Δ x + dt)`, `log α = −e^A Δ`,
/// `o = retention(C, B, Δ x', α) + D x'`, `y = W_o rmsNorm(o · silu(W_z x))`, the norm over all heads together.
///
/// - Source: Dao and Gu 2024, [arXiv:2405.21060](https://arxiv.org/abs/2405.21060), section 7; upstream
///   `transformers/models/mamba2/modeling_mamba2.py`.
public struct Mamba2: LinearMixer {
  /// Heads and widths.
  public let configuration: Mamba2Configuration
  /// All that reads the layer's input: gate, heads' inputs, B, C, step.
  public let input: Linear
  /// Of the heads' inputs, B and C.
  public let convolution: ShortConvolution
  /// How far each step goes and how much each head keeps.
  public let decay: DecayGate
  /// How much of its own input each head passes on, `[H]`.
  public let skip: Tensor
  /// The norm of all read-outs.
  public let norm: RMSNorm
  /// The output projection.
  public let output: Linear

  init(
    _ configuration: Mamba2Configuration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (heads, deviation) = (configuration.heads, model.initializerDeviation)
    let (inner, convolved) = (heads * configuration.valueWidth, configuration.convolvedChannels)
    input = try Linear(
      model.width, to: inner + convolved + heads, deviation: deviation, path / "in_proj")
    convolution = try ShortConvolution(
      of: [("conv1d", convolved)], taps: configuration.kernelSize, hasBias: true, path)
    decay = try DecayGate(heads: heads, rates: 1...16, path)
    skip = try path.parameter("D", [heads], .constant(1))
    norm = try RMSNorm(inner, eps: configuration.normEps, path / "norm")
    output = try Linear(inner, to: model.width, deviation: deviation, path / "out_proj")
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor {
    let (heads, groups) = (configuration.heads, configuration.groups)
    let (inner, convolved) = (heads * configuration.valueWidth, configuration.convolvedChannels)
    let parts = input.pieces(x, [inner, convolved, heads], context)
    var carried =
      state ?? configuration.state(sequences: x.dim(0), dtype: x.dtype, device: x.device)
    let widths = [inner, groups * configuration.keyWidth, groups * configuration.keyWidth]
    let mixable = convolution(parts[1], window: &carried.window, context).split(widths, dim: -1)
    let own = mixable[0].heads(heads).float32  // [B, T, H, V]
    func shared(_ x: Tensor) -> Tensor { x.heads(groups).repeated(heads / groups, dim: 2) }
    let step = context.clearingPadding(softplus(parts[2].float32 + decay.stepBias.float32))
    let mixed = retention(
      query: shared(mixable[2]), key: shared(mixable[1]), value: own * step.unsqueezed(-1),
      logDecay: -exp(decay.logRate.float32) * step, memory: &carried.memory, scale: 1)
    if state != nil { state = carried }
    let read = (mixed + own * skip.float32.unsqueezed(-1)).mergedHeads
    return output(context.packed(norm((read * silu(parts[0].float32)).to(x.dtype))))
  }
}
