public import JetTensor

/// The generalized delta rule in chunks of tokens, as matrix products that libtorch can differentiate.
///
/// Within a chunk, with `g` the running sum of `logDecay` and `g⁻` that of the token before, what all tokens recall
/// solves `(I − A_ab) U = (e^{g⁻} a) S + A_ak V`; then `O = (e^g Q) S + A_qb U + A_qk V` and
/// `S ← e^{g_last} S + (e^{g_last − g} b)ᵀ U + (e^{g_last − g} K)ᵀ V`. `A_xy` holds the products of rows `x` and `y`,
/// decayed channel by channel in between: for `a` from `g⁻` and strictly below the diagonal, for `q` from `g` and with
/// the diagonal. No exponent is above 0.
///
/// Parameters and result are those of
/// ``generalizedDeltaRuleDefinition(query:key:value:recallKey:rewriteKey:logDecay:memory:)``.
///
/// - Precondition: `chunk` is a power of two.
/// - Complexity: O(T·(K·V + C·(K + V) + C²)) multiply-adds a head for chunks of C tokens.
/// - Source: the form of Yang et al. 2024, [arXiv:2412.06464](https://arxiv.org/abs/2412.06464), section 3.3, for decays
///   by channel.
public func generalizedDeltaRuleChunked(
  query: Tensor, key: Tensor, value: Tensor, recallKey: Tensor, rewriteKey: Tensor,
  logDecay: Tensor, memory: inout Tensor, chunk: Int = 64
) -> Tensor {
  let chunks = Chunks(length: query.dim(1), size: chunk)
  let (q, k, v) = (chunks.cut(query), chunks.cut(key), chunks.cut(value))
  let (a, b) = (chunks.cut(recallKey), chunks.cut(rewriteKey))
  let decay = chunks.cut(logDecay)
  // Rows a and q against columns b and k, all four in one pass; a reads the memory before its token, q after it.
  let own = Tensor.stack([(q * b).sum([-1]), (q * k).sum([-1])], dim: -1)  // [B, H, n, C, 2]
  func secondOnly(_ x: Tensor) -> Tensor {
    Tensor.stack([Tensor.zeros(x.shape, device: x.device), x], dim: -2)
  }
  let decayed = DecayedScores(
    rows: Tensor.stack([a, q], dim: -2), rowDecay: secondOnly(decay),
    columns: Tensor.stack([b, k], dim: -2), decay: decay, diagonal: secondOnly(own))
  let scores = decayed.scores.unbound(dim: -3)  // [B, H, n, C, C, 2] of a and of q
  let (ofRecall, ofQuery) = (scores[0].unbound(dim: -1), scores[1].unbound(dim: -1))
  let rises = exp(decayed.rises).unbound(dim: -2)  // [B, H, n, C, K] of a and of q
  let sides = Tensor.concatenate([matmul(ofRecall[1], v), a * rises[0]], dim: -1)
  let solved = solveLowerTriangular(-ofRecall[0], sides, unitDiagonal: true)
    .split([v.dim(-1), k.dim(-1)], dim: -1)
  let fall = exp(decayed.falls)
  let fallenRewrite = (b * fall).transposed(-1, -2).unbound(dim: 2)  // [B, H, K, C] each
  let written = matmul((k * fall).transposed(-1, -2), v).unbound(dim: 2)  // [B, H, K, V] each
  let chunkDecay = exp(decayed.total).transposed(-1, -2).unbound(dim: 2)
  let (values, keys) = (solved[0].unbound(dim: 2), solved[1].unbound(dim: 2))
  var (memories, recalled): ([Tensor], [Tensor]) = ([], [])
  for n in 0..<values.count {
    let u = values[n] + matmul(keys[n], memory)  // [B, H, C, V]
    memories.append(memory)
    recalled.append(u)
    memory = memory * chunkDecay[n] + matmul(fallenRewrite[n], u) + written[n]
  }
  let outputs =
    matmul(q * rises[1], Tensor.stack(memories, dim: 2))
    + matmul(ofQuery[0], Tensor.stack(recalled, dim: 2)) + matmul(ofQuery[1], v)
  return chunks.joined(outputs).to(value.dtype)
}
