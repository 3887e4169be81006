public import JetTensor

/// The gated delta rule in chunks of tokens, as matrix products that libtorch can differentiate.
///
/// Within a chunk, with `g` the running sum of `logDecay`, the corrections `U` of all tokens solve
/// `(I + A) U = β (V − e^g K S)`, `A_ij = β_i (k_i·k_j) e^{g_i − g_j}` for `j < i`; then
/// `O = e^g Q S + (Q Kᵀ ∘ e^{g_i − g_j}) U` over `j ≤ i`, and `S ← e^{g_last} S + (e^{g_last − g} K)ᵀ U`.
///
/// Parameters and result are those of
/// ``gatedDeltaRuleDefinition(query:key:value:writeStrength:logDecay:memory:scale:normalizes:)``.
///
/// - Complexity: O(T·(K·V + C·(K + V) + C²)) multiply-adds a head for chunks of C tokens.
/// - Source: Yang et al. 2024, [arXiv:2412.06464](https://arxiv.org/abs/2412.06464), section 3.3.
public func gatedDeltaRuleChunked(
  query: Tensor, key: Tensor, value: Tensor, writeStrength: Tensor, logDecay: Tensor,
  memory: inout Tensor, scale: Double, normalizes: Bool, chunk: Int = 64
) -> Tensor {
  let chunks = Chunks(length: query.dim(1), size: chunk)
  let q = chunks.cut(normalizes ? unitRows(query) : query) * scale
  let k = chunks.cut(normalizes ? unitRows(key) : key)
  let v = chunks.cut(value)
  let beta = chunks.cut(writeStrength).unsqueezed(-1)
  let g = chunks.cut(logDecay).to(.float64).cumulativeSum(dim: -1)  // [B, H, n, C]
  let decay = decayTriangle(g)
  let keyT = k.transposed(-1, -2)
  let mixing = (matmul(k * beta, keyT) * decay).lowerTriangle(diagonal: -1)
  let rise = exp(g.float32).unsqueezed(-1)
  let sides = Tensor.concatenate([v * beta, k * beta * rise], dim: -1)
  let solved = solveLowerTriangular(mixing, sides, unitDiagonal: true)
    .split([v.dim(-1), k.dim(-1)], dim: -1)
  let (values, keys) = (solved[0].unbound(dim: 2), solved[1].unbound(dim: 2))
  let last = g.slice(chunk - 1..<chunk, dim: -1)  // [B, H, n, 1]
  let fallenKeys = (k * exp((last - g).float32).unsqueezed(-1)).transposed(-1, -2).unbound(dim: 2)
  let chunkDecays = exp(last.float32).unsqueezed(-1).unbound(dim: 2)  // [B, H, 1, 1] each
  var (memories, corrections): ([Tensor], [Tensor]) = ([], [])
  for n in 0..<values.count {
    let correction = values[n] - matmul(keys[n], memory)  // [B, H, C, V]
    memories.append(memory)
    corrections.append(correction)
    memory = memory * chunkDecays[n] + matmul(fallenKeys[n], correction)
  }
  let outputs =
    matmul(q * rise, Tensor.stack(memories, dim: 2))
    + matmul(matmul(q, keyT) * decay, Tensor.stack(corrections, dim: 2))
  return chunks.joined(outputs).to(value.dtype)
}
