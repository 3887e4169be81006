public import JetTensor

/// Gated linear attention in chunks of tokens, as matrix products that libtorch can differentiate.
///
/// Within a chunk, with `g` the running sum of `logDecay`, `O = (e^g Q) S + A V`,
/// `A_ij = Σ_k q_ik k_jk e^{g_ik − g_jk}` over `j ≤ i`, and `S ← e^{g_last} S + (e^{g_last − g} K)ᵀ V`. No exponent is
/// above 0, so that no decay is too strong.
///
/// Parameters and result are those of
/// ``gatedLinearAttentionDefinition(query:key:value:logDecay:memory:scale:)``.
///
/// - Precondition: `chunk` is a power of two.
/// - Complexity: O(T·(K·V + C·(K + V))) multiply-adds a head for chunks of C tokens.
/// - Source: Yang et al. 2023, [arXiv:2312.06635](https://arxiv.org/abs/2312.06635), section 4.2.
public func gatedLinearAttentionChunked(
  query: Tensor, key: Tensor, value: Tensor, logDecay: Tensor, memory: inout Tensor, scale: Double,
  chunk: Int = 64
) -> Tensor {
  let chunks = Chunks(length: query.dim(1), size: chunk)
  let (q, k, v) = (chunks.cut(query) * scale, chunks.cut(key), chunks.cut(value))
  let decay = chunks.cut(logDecay)  // [B, H, n, C, K]
  let decayed = DecayedScores(
    rows: q.unsqueezed(-2), rowDecay: decay.unsqueezed(-2), columns: k.unsqueezed(-2),
    decay: decay, diagonal: (q * k).sum([-1], keepDims: true).unsqueezed(-1))
  let written = matmul((k * exp(decayed.falls)).transposed(-1, -2), v)  // [B, H, n, K, V]
  let memories = Chunks.memories(
    decay: exp(decayed.total).transposed(-1, -2), written: written, memory: &memory)
  let scores = decayed.scores.squeezed(-1).squeezed(-2)  // [B, H, n, C, C]
  let outputs = matmul(q * exp(decayed.rises.squeezed(-2)), memories) + matmul(scores, v)
  return chunks.joined(outputs).to(value.dtype)
}
