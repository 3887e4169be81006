internal import JetTensor

/// Products of the rows and columns of a chunk, each channel decayed from the column's token to the row's.
///
/// `scores[r, i, m, j] = Σ_k rows[r, i, k] · columns[m, j, k] · e^{rowDecay[r, i, k] − columnDecay[j, k]}` for `j < i`,
/// `diagonal` for `j = i`, 0 above. The exponents below the diagonal are at most 0, but the two parts of a product of
/// matrices could not hold `e^{rowDecay}` and `e^{−columnDecay}` apart: a channel that decays by `e⁻⁵` a token passes the
/// range of float32 within 18 tokens. So the triangle is built from halves: the square between the two halves of a
/// block takes the decay up to the last token of the first half out of both parts, which leaves both exponents at most 0
/// whatever the decay; the halves are built in the same way. Nothing is bounded or rounded off, and no tensor is larger
/// than the inputs or the result.
///
/// Shapes: n chunks, C tokens a chunk (a power of two), K channels; R kinds of rows and M kinds of columns are taken
/// together so that the products are large.
///
/// - Parameters:
///   - rows: `[…, n, R, C, K]`.
///   - rowDecay: sums of log decays from the chunk's beginning, `[…, n, R, C, K]`; for row `i` no more than
///     `columnDecay` of token `i − 1`.
///   - columns: `[…, n, M, C, K]`.
///   - columnDecay: likewise, `[…, n, C, K]`, never rising with the token.
///   - diagonal: `[…, n, R, M, C]`.
/// - Returns: `[…, n, R, C, M, C]`.
/// - Complexity: O(R·M·C²·K) multiply-adds and O((R + M)·C·K·log C) exponentials a chunk.
func decayedScores(
  rows: Tensor, rowDecay: Tensor, columns: Tensor, columnDecay: Tensor, diagonal: Tensor
) -> Tensor {
  let (chunk, width) = (rows.dim(-2), rows.dim(-1))
  let (rowKinds, columnKinds) = (rows.dim(-3), columns.dim(-3))
  let outer = Array(rows.shape.dropLast(3))
  precondition(chunk & (chunk - 1) == 0, "decayed scores of a chunk of \(chunk) tokens")
  // The blocks of the present size along the diagonal, [blocks, R, size, M, size].
  var blocks = diagonal.transposed(-1, -2).transposed(-2, -3)
    .reshaped([-1, rowKinds, 1, columnKinds, 1])
  var size = 1
  while size < chunk {
    let count = outer.reduce(1, *) * chunk / (2 * size)
    /// One half of each pair of neighbouring blocks, `[pairs, kinds, size, K]`.
    func half(_ x: Tensor, kinds: Int, second: Bool) -> Tensor {
      let pairs = x.reshaped([-1, kinds, chunk / (2 * size), 2 * size, width])
      return pairs.split([size, size], dim: 3)[second ? 1 : 0].transposed(1, 2)
        .reshaped([count, kinds, size, width])
    }
    let early = half(columnDecay, kinds: 1, second: false)
    let boundary = early.slice(size - 1..<size, dim: 2)  // [pairs, 1, 1, K]
    let below =
      half(rows, kinds: rowKinds, second: true)
      * exp(half(rowDecay, kinds: rowKinds, second: true) - boundary)
    let beside = half(columns, kinds: columnKinds, second: false) * exp(boundary - early)
    let square = matmul(
      below.reshaped([count, rowKinds * size, width]),
      beside.reshaped([count, columnKinds * size, width]).transposed(1, 2)
    ).reshaped([count, rowKinds, size, columnKinds, size])
    let corners = blocks.reshaped([count, 2, rowKinds, size, columnKinds, size]).unbound(dim: 1)
    let nothing = Tensor.zeros(square.shape, device: square.device)
    blocks = Tensor.concatenate(
      [
        Tensor.concatenate([corners[0], nothing], dim: 4),
        Tensor.concatenate([square, corners[1]], dim: 4),
      ], dim: 2)
    size *= 2
  }
  return blocks.reshaped(outer + [rowKinds, chunk, columnKinds, chunk])
}
