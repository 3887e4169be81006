import JetTensor
import Testing

@testable import JetKernels

/// Sequences of some lengths whose keys and values lie both one after another and in pages of a pool.
struct PooledCase: Sendable, CustomTestStringConvertible {
  /// Tokens of each sequence, the new one included.
  let lengths: [Int]
  let pageTokens: Int
  let keyHeads: Int
  let group: Int
  let width: Int
  var isRing = false

  var testDescription: String {
    "\(lengths) tokens, \(isRing ? "rings" : "pages") of \(pageTokens), \(group)·\(keyHeads) heads of \(width)"
  }

  static let all = [
    PooledCase(lengths: [1], pageTokens: 1, keyHeads: 1, group: 1, width: 8),
    PooledCase(lengths: [3, 1, 70], pageTokens: 1, keyHeads: 2, group: 3, width: 16),
    PooledCase(lengths: [64, 65, 2], pageTokens: 16, keyHeads: 1, group: 6, width: 24),
    PooledCase(lengths: [5, 200], pageTokens: 64, keyHeads: 3, group: 2, width: 32),
    PooledCase(lengths: [7, 1, 20], pageTokens: 7, keyHeads: 2, group: 8, width: 40),
    PooledCase(
      lengths: [1, 6, 7, 8, 50], pageTokens: 7, keyHeads: 2, group: 2, width: 16, isRing: true),
    PooledCase(lengths: [1, 5], pageTokens: 1, keyHeads: 1, group: 2, width: 8, isRing: true),
  ]

  var positions: Tensor { Tensor(lengths.map { Int32($0 - 1) }) }

  /// Pools full of NaN whose pages are dealt out in no order; one page stays nobody's.
  func pools(_ dtype: DType) -> Pools {
    let counts = lengths.map { isRing ? 1 : ($0 + pageTokens - 1) / pageTokens }
    let (total, most) = (counts.reduce(0, +), counts.max() ?? 1)
    // Every page but the last: multiples of a number that shares no divisor with their count.
    let step =
      (2...).first { step in !(2...step).contains { total % $0 == 0 && step % $0 == 0 } } ?? 1
    var dealt = 0
    let table = counts.flatMap { count in
      (0..<most).map { slot -> Int32 in
        guard slot < count else { return -1 }
        dealt += 1
        return Int32((dealt * step) % total)
      }
    }
    func empty() -> Tensor {
      Tensor.full([total + 1, keyHeads, pageTokens, width], .nan, dtype: dtype)
    }
    return Pools(
      keys: empty(), values: empty(), pages: Tensor(table, shape: [lengths.count, most]),
      positions: positions, isRing: isRing)
  }

  /// Writes tokens `range` of sequence `n` of `cache` `[G, T, D]` to their places in `pool`.
  func write(_ cache: Tensor, _ range: Range<Int>, of n: Int, into pool: Tensor, _ pools: Pools) {
    let pages = pools.pages.select(n, dim: 0).array(of: Int.self)
    let places = range.map { isRing ? $0 % pageTokens : $0 }
    pool.assign(
      cache.slice(range, dim: 1).transposed(0, 1),
      at: [
        Tensor(places.map { pages[$0 / pageTokens] }), nil, Tensor(places.map { $0 % pageTokens }),
      ])
  }

  /// The tokens of sequence `n` that its pages hold.
  func held(_ n: Int) -> Range<Int> {
    (isRing ? max(0, lengths[n] - pageTokens) : 0)..<lengths[n]
  }
}
