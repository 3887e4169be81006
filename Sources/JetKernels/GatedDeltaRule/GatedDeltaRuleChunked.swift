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
  let length = query.dim(1)
  let padding = (chunk - length % chunk) % chunk
  // [B, T, H, …] to [B, H, chunks, C, …]; padded tokens neither write nor decay.
  func chunked(_ x: Tensor) -> Tensor {
    let moved = x.float32.transposed(1, 2)
    let padded = padding == 0 ? moved : moved.padded(after: padding, dim: 2)
    return padded.reshaped(
      [padded.dim(0), padded.dim(1), padded.dim(2) / chunk, chunk] + padded.shape.dropFirst(3))
  }
  let q = chunked(normalizes ? unitRows(query) : query) * scale
  let k = chunked(normalizes ? unitRows(key) : key)
  let v = chunked(value)
  let beta = chunked(writeStrength).unsqueezed(-1)
  // A token that forgets nearly all makes the sums large; only in float64 do their small differences survive it.
  let g = chunked(logDecay).to(.float64).cumulativeSum(dim: -1)  // [B, H, n, C]
  let below = Tensor.ones([chunk, chunk], dtype: .bool, device: q.device).lowerTriangle()
  // The mask comes before the exponential: above the diagonal the difference is positive and may overflow.
  let decay = exp((g.unsqueezed(-1) - g.unsqueezed(-2)).float32.masked(!below, with: -.infinity))
  let keyT = k.transposed(-1, -2)
  let mixing = (matmul(k * beta, keyT) * decay).lowerTriangle(diagonal: -1)
  let rise = exp(g.float32).unsqueezed(-1)
  let sides = Tensor.concatenate([v * beta, k * beta * rise], dim: -1)
  let solved = solveLowerTriangular(mixing, sides, unitDiagonal: true)
  let (values, keys) = (
    solved.slice(0..<v.dim(-1), dim: -1), solved.slice(v.dim(-1)..<solved.dim(-1), dim: -1)
  )
  let scores = matmul(q, keyT) * decay
  let risenQuery = q * rise
  let last = g.slice(chunk - 1..<chunk, dim: -1)  // [B, H, n, 1]
  let fallenKeyT = (k * exp((last - g).float32).unsqueezed(-1)).transposed(-1, -2)
  let chunkDecay = exp(last.float32).unsqueezed(-1)  // [B, H, n, 1, 1]
  var outputs: [Tensor] = []
  for n in 0..<q.dim(2) {
    func part(_ x: Tensor) -> Tensor { x.select(n, dim: 2) }
    let corrections = part(values) - matmul(part(keys), memory)
    outputs.append(matmul(part(risenQuery), memory) + matmul(part(scores), corrections))
    memory = memory * part(chunkDecay) + matmul(part(fallenKeyT), corrections)
  }
  let all = Tensor.concatenate(outputs, dim: 2)  // [B, H, T + padding, V]
  return all.slice(0..<length, dim: 2).transposed(1, 2).to(value.dtype)
}
