import JetTensor

@testable import JetKernels

/// ``LayerSteps`` of one half of a layer each.
extension Steps {
  static func mlp(
    _ x: Tensor, norm: Tensor, eps: Double, gateAndUp: Tensor, down: Tensor
  ) -> Tensor {
    var steps = LayerSteps()
    steps.appendMLP(norm: norm, eps: eps, gateAndUp: gateAndUp, down: down)
    return steps(x)
  }

  static func attention(
    _ x: Tensor, norm: Tensor, eps: Double, projection: Tensor, bias: Tensor?, queryNorm: Tensor?,
    keyNorm: Tensor?, angles: RotaryAngles, keys: Tensor, values: Tensor, pages: Tensor,
    positions: Tensor, isRing: Bool, output: Tensor, heads: Int, scale: Double
  ) -> Tensor {
    var steps = LayerSteps()
    steps.appendAttention(
      norm: norm, eps: eps, projection: projection, bias: bias, queryNorm: queryNorm,
      keyNorm: keyNorm, angles: angles, keys: keys, values: values, pages: pages,
      positions: positions, isRing: isRing, output: output, heads: heads, scale: scale)
    return steps(x)
  }

  static func jetBlock(
    _ x: Tensor, norm: Tensor, eps: Double, input: Tensor, generator: Tensor,
    generatorBias: Tensor, logRate: Tensor, stepBias: Tensor, window: Tensor, memory: Tensor,
    slots: Tensor, outputNorm: Tensor, outputEps: Double, output: Tensor, heads: Int
  ) -> Tensor {
    var steps = LayerSteps()
    steps.appendJetBlock(
      norm: norm, eps: eps, input: input, generator: generator, generatorBias: generatorBias,
      logRate: logRate, stepBias: stepBias, window: window, memory: memory, slots: slots,
      outputNorm: outputNorm,
      outputEps: outputEps, output: output, heads: heads)
    return steps(x)
  }
}
