public import JetTensor

/// Normalization of each head to mean 0 and variance 1, with learned scales and offsets: group normalization whose
/// groups are the heads, by its definition.
///
/// `y = (x − mean(x)) / √(var(x) + ε) · w + b`, in float32, then rounded to the type of `x`.
///
/// Shapes: `x` `[…, H, V]`; `weight` and `bias` `[H·V]`.
///
/// - Source: Wu and He 2018, [arXiv:1803.08494](https://arxiv.org/abs/1803.08494).
public func headNorm(_ x: Tensor, weight: Tensor, bias: Tensor, eps: Double) -> Tensor {
  let wide = x.float32
  let shape = [x.dim(-2), x.dim(-1)]
  let centered = wide - wide.mean([-1], keepDims: true)
  let normalized = centered * rsqrt((centered * centered).mean([-1], keepDims: true) + eps)
  let scaled = normalized * weight.float32.reshaped(shape) + bias.float32.reshaped(shape)
  return scaled.to(x.dtype)
}
