public import JetTensor

private let addProducts = Operator("aten::baddbmm")

/// Retention in chunks of tokens with products of bfloat16, for training on a GPU: factors are rounded to 8 bits of
/// mantissa, sums are taken in float32, decays are exact to float32 before they are rounded as factors.
///
/// The form is that of ``retentionChunked(query:key:value:logDecay:memory:scale:chunk:)``, but that the memories of all
/// chunks come from one product instead of one after another, and decays that are the same for all tokens are taken once.
/// The state that it leaves is rounded to bfloat16, so it is not for sequences that go on.
///
/// - Parameters: as of ``retentionDefinition(query:key:value:logDecay:memory:scale:)``.
public func retentionNarrow(
  query: Tensor, key: Tensor, value: Tensor, logDecay: Tensor, memory: inout Tensor, scale: Double,
  chunk: Int = 64
) -> Tensor {
  let (length, dtype) = (query.dim(1), DType.bfloat16)
  let chunks = Chunks(length: length, size: chunk)
  let (q, k) = (chunks.cut(query, dtype: dtype), chunks.cut(key, dtype: dtype))
  let v = chunks.cut(value, dtype: dtype)  // [B, H, n, C, V]
  // Expanded from one number a head: one chunk's decays stand for all.
  let isFixed =
    length.isMultiple(of: chunk) && logDecay.strides.prefix(2) == [0, 0]
    && !logDecay.requiresGradient
  let g =
    isFixed
    ? Chunks(length: chunk, size: chunk)
      .cut(logDecay.slice(0..<1, dim: 0).slice(0..<chunk, dim: 1)).to(.float64)
      .cumulativeSum(dim: -1)
    : chunks.cut(logDecay).to(.float64).cumulativeSum(dim: -1)  // [B, H, n, C]
  let last = g.slice(chunk - 1..<chunk, dim: -1)
  func factor(_ x: Tensor) -> Tensor { exp(x.float32).to(dtype).unsqueezed(-1) }
  let scores = matmul(q, k.transposed(-1, -2)) * decayTriangle(g, dtype: dtype)  // [B, H, n, C, C]
  let written = matmul((k * factor(last - g)).transposed(-1, -2), v)  // [B, H, n, K, V]
  let totals = last.squeezed(-1)
  let memories = Chunks.memoriesAtOnce(
    logDecay: isFixed ? totals.expanded([1, totals.dim(1), v.dim(2)]) : totals, written: written,
    memory: &memory)
  let before = matmul(q * factor(g), memories)
  let outputs = addProducts(
    .tensor(before.reshaped([-1, chunk, v.dim(-1)])), .tensor(scores.reshaped([-1, chunk, chunk])),
    .tensor(v.reshaped([-1, chunk, v.dim(-1)])), .double(scale), .double(scale))
  return chunks.joined(outputs.reshaped(v.shape)).to(value.dtype)
}
