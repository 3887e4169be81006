internal import JetTensor

/// Products of the rows and columns of a chunk, each channel decayed from the column's token to the row's, and the sums
/// of log decays that such a chunk needs.
///
/// `scores[i, r, j, m] = Σ_k rows[i, r, k] · columns[j, m, k] · e^{d}` for `j < i`, `diagonal` for `j = i`, 0 above;
/// `d[i, r, j, k]` is the sum of the log decays of the tokens from `j + 1` to `i`, the last of them as `rowDecay` says.
///
/// The sums are at most 0, but the two parts of a product of matrices cannot hold the sums from the chunk's beginning
/// and their negatives apart: a channel that decays by `e⁻⁵` a token passes the range of float32 within 18 tokens. So the
/// triangle is built from halves: the square between the two halves of a block gets the decay after the boundary with
/// its rows and the decay before it with its columns, which leaves both exponents at most 0 whatever the decay; the halves
/// are built in the same way. The sums grow with the blocks and are never subtracted, so that a token that forgets all
/// costs the small decays of others no digits. No tensor is larger than the inputs or the result.
///
/// Shapes: n chunks, C tokens a chunk (a power of two), K channels; R kinds of rows and M kinds of columns are taken
/// together so that the products are large.
struct DecayedScores {
  /// `[…, n, C, R, C, M]`.
  let scores: Tensor
  /// From the chunk's beginning to each row, `[…, n, C, R, K]`.
  let rises: Tensor
  /// From behind each token to the chunk's end, `[…, n, C, K]`.
  let falls: Tensor
  /// Over the whole chunk, `[…, n, 1, K]`.
  let total: Tensor

  /// Builds the triangle.
  ///
  /// - Parameters:
  ///   - rows: `[…, n, C, R, K]`.
  ///   - rowDecay: by what the row's own token decays its row: `decay` where the memory is read after the token, 0 where
  ///     it is read before, `[…, n, C, R, K]`.
  ///   - columns: `[…, n, C, M, K]`.
  ///   - decay: log decays, at most 0, `[…, n, C, K]`.
  ///   - diagonal: `[…, n, C, R, M]`.
  /// - Complexity: O(R·M·C²·K) multiply-adds and O((R + M)·C·K·log C) exponentials a chunk.
  init(rows: Tensor, rowDecay: Tensor, columns: Tensor, decay: Tensor, diagonal: Tensor) {
    let (chunk, width) = (rows.dim(-3), rows.dim(-1))
    let (rowKinds, columnKinds) = (rows.dim(-2), columns.dim(-2))
    let outer = Array(rows.shape.dropLast(3))
    precondition(chunk & (chunk - 1) == 0, "decayed scores of a chunk of \(chunk) tokens")
    // What is known of blocks of the present size: [blocks, size, R, size, M], [blocks, size, kinds, K].
    var blocks = diagonal.reshaped([-1, 1, rowKinds, 1, columnKinds])
    var rises = rowDecay.reshaped([-1, 1, rowKinds, width])
    var totals = decay.reshaped([-1, 1, 1, width])
    var falls = Tensor.zeros(totals.shape, device: totals.device)
    var size = 1
    while size < chunk {
      /// The halves of each pair of neighbouring blocks, `[pairs, size, kinds, K]` each.
      func halves(_ x: Tensor) -> (first: Tensor, second: Tensor) {
        let both = x.reshaped([-1, 2 * size, x.dim(-2), width]).split([size, size], dim: 1)
        return (both[0], both[1])
      }
      let (rise, fall) = (halves(rises), halves(falls))
      let each = totals.reshaped([-1, 2, 1, 1, width]).unbound(dim: 1)
      let below = halves(rows).second * exp(rise.second)
      let beside = halves(columns).first * exp(fall.first)
      let square = matmul(
        below.reshaped([-1, size * rowKinds, width]),
        beside.reshaped([-1, size * columnKinds, width]).transposed(1, 2)
      ).reshaped([-1, size, rowKinds, size, columnKinds])
      let corners = blocks.reshaped([-1, 2, size, rowKinds, size, columnKinds]).unbound(dim: 1)
      let above = Tensor.zeros(square.shape, device: square.device)
      blocks = Tensor.concatenate(
        [
          Tensor.concatenate([corners[0], above], dim: 3),
          Tensor.concatenate([square, corners[1]], dim: 3),
        ], dim: 1)
      rises = Tensor.concatenate([rise.first, rise.second + each[0]], dim: 1)
      falls = Tensor.concatenate([fall.first + each[1], fall.second], dim: 1)
      totals = each[0] + each[1]
      size *= 2
    }
    scores = blocks.reshaped(outer + [chunk, rowKinds, chunk, columnKinds])
    self.rises = rises.reshaped(outer + [chunk, rowKinds, width])
    self.falls = falls.reshaped(outer + [chunk, width])
    total = totals.reshaped(outer + [1, width])
  }
}
