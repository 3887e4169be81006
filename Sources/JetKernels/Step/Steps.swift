public import JetTensor

/// The fused operators of a decode step: one token a sequence, each half of a layer in one pass over its weights.
public enum Steps {
  /// The most sequences a step that the fused operators are made for.
  public static let maximumSequences = 16

  /// The taps of the convolution that ``jetBlock`` is made for.
  public static let convolutionTaps = 4

  /// Whether the fused operators take these tensors.
  public static func apply(to x: Tensor, weight: Tensor, sequences: Int) -> Bool {
    sequences <= maximumSequences && x.dtype == weight.dtype && FastForm.applies(to: x, weight)
  }

  /// `x + down(silu(g) · u)` with `g, u` from the normalized input; `x` `[N, D]`, `gateAndUp` `[2F, D]`.
  public static func mlp(
    _ x: Tensor, norm: Tensor, eps: Double, gateAndUp: Tensor, down: Tensor
  ) -> Tensor {
    Kernels.mlpStep(
      .tensor(x), .tensor(norm), .double(eps), .tensor(gateAndUp), .tensor(down))
  }

  /// `x + output(attention(…))` of the normalized input; writes the new key and value to the cache.
  ///
  /// - Parameters:
  ///   - x: `[N, D]`.
  ///   - projection: `[(H + 2G)·Dh, D]`, rows of queries, keys, values.
  ///   - keys: the cache, `[N, G, C, Dh]`; values likewise.
  ///   - slots: int64 `[N]`, where in the cache the token goes.
  ///   - counts: int64 `[N]`, how many entries of the cache are then looked at.
  public static func attention(
    _ x: Tensor, norm: Tensor, eps: Double, projection: Tensor, bias: Tensor?, queryNorm: Tensor?,
    keyNorm: Tensor?, angles: RotaryAngles, keys: Tensor, values: Tensor, slots: Tensor,
    counts: Tensor, output: Tensor, heads: Int, scale: Double
  ) -> Tensor {
    Kernels.attentionStep(
      .tensor(x), .tensor(norm), .double(eps), .tensor(projection), .optional(bias),
      .optional(queryNorm), .optional(keyNorm), .tensor(angles.cosines.squeezed(1)),
      .tensor(angles.sines.squeezed(1)), .tensor(keys), .tensor(values), .tensor(slots),
      .tensor(counts), .tensor(output), .int(heads), .double(scale))
  }

  /// `x + output(…)` of a JetBlock; shifts the convolution's window and updates the memory in place.
  public static func jetBlock(
    _ x: Tensor, norm: Tensor, eps: Double, input: Tensor, generator: Tensor,
    generatorBias: Tensor, logRate: Tensor, stepBias: Tensor, window: Tensor, memory: Tensor,
    outputNorm: Tensor, outputEps: Double, output: Tensor, heads: Int
  ) -> Tensor {
    Kernels.jetBlockStep(
      .tensor(x), .tensor(norm), .double(eps), .tensor(input), .tensor(generator),
      .tensor(generatorBias), .tensor(logRate), .tensor(stepBias), .tensor(window),
      .tensor(memory), .tensor(outputNorm), .double(outputEps), .tensor(output), .int(heads))
  }

  /// Float32 logits `[N, vocabulary]` of `x` `[N, D]`, normalized first where `norm` is given.
  public static func head(_ x: Tensor, norm: Tensor?, eps: Double, weight: Tensor) -> Tensor {
    Kernels.headStep(
      .tensor(x), .optional(norm), .double(eps), .tensor(weight), .none)
  }
}
