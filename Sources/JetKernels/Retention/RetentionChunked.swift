public import JetTensor

/// Retention in chunks of tokens, as matrix products that libtorch can differentiate.
///
/// Within a chunk, with `g` the running sum of `logDecay`, `O = e^g Q S + (Q Kᵀ ∘ e^{g_i − g_j}) V` over `j ≤ i`, and
/// `S ← e^{g_last} S + (e^{g_last − g} K)ᵀ V`.
///
/// Parameters and result are those of ``retentionDefinition(query:key:value:logDecay:memory:scale:)``.
///
/// - Complexity: O(T·(K·V + C·(K + V))) multiply-adds a head for chunks of C tokens.
/// - Source: Sun et al. 2023, [arXiv:2307.08621](https://arxiv.org/abs/2307.08621), section 2.3; Dao and Gu 2024,
///   [arXiv:2405.21060](https://arxiv.org/abs/2405.21060), section 6.
public func retentionChunked(
  query: Tensor, key: Tensor, value: Tensor, logDecay: Tensor, memory: inout Tensor, scale: Double,
  chunk: Int = 64
) -> Tensor {
  let chunks = Chunks(length: query.dim(1), size: chunk)
  let (q, k, v) = (chunks.cut(query) * scale, chunks.cut(key), chunks.cut(value))
  let g = chunks.cut(logDecay).to(.float64).cumulativeSum(dim: -1)  // [B, H, n, C]
  let scores = matmul(q, k.transposed(-1, -2)) * decayTriangle(g)  // [B, H, n, C, C]
  let last = g.slice(chunk - 1..<chunk, dim: -1)  // [B, H, n, 1]
  let fallenKey = k * exp((last - g).float32).unsqueezed(-1)
  let memories = Chunks.memories(
    decay: exp(last.float32).unsqueezed(-1), written: matmul(fallenKey.transposed(-1, -2), v),
    memory: &memory)
  let outputs = matmul(q * exp(g.float32).unsqueezed(-1), memories) + matmul(scores, v)
  return chunks.joined(outputs).to(value.dtype)
}
