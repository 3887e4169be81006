import JetKernels
import JetTensor

/// Pieces of prompts that mixers take as one batch: they begin at the same position, and the shortest is at least half
/// as long as the longest, so that padding is less than what is read.
///
/// Shapes: B pieces, T tokens of the longest, ΣT of all.
final class PieceGroup {
  /// The pieces, the longest first.
  let pieces: [PooledPiece]
  /// Where their tokens stand; rows are packed.
  let context: ForwardContext
  /// The slots of the pieces, int32 `[B]`.
  let slots: Tensor
  private let pageTokens: Int
  private var places: [Int?: Places] = [:]
  private var pasts: [Int?: Past] = [:]

  init(_ pieces: [PooledPiece], pageTokens: Int, device: Device, rotary: RotaryConfiguration) {
    self.pieces = pieces
    self.pageTokens = pageTokens
    context = ForwardContext(
      start: pieces[0].start, counts: pieces.map(\.tokens.count), device: device, rotary: rotary)
    slots = Tensor(pieces.map { Int32($0.slot) }).uploaded(to: device)
  }

  /// Indices of pieces by groups.
  static func grouped(_ pieces: [PooledPiece]) -> [[Int]] {
    let order = pieces.indices.sorted {
      let (a, b) = (pieces[$0], pieces[$1])
      return (a.start, -a.tokens.count, $0) < (b.start, -b.tokens.count, $1)
    }
    var groups: [[Int]] = []
    for index in order {
      if let first = groups.last?.first, pieces[first].start == pieces[index].start,
        2 * pieces[index].tokens.count >= pieces[first].tokens.count
      {
        groups[groups.count - 1].append(index)
      } else {
        groups.append([index])
      }
    }
    return groups
  }

  /// Where new keys and values go: into pages, or into the ring of a window of so many tokens.
  struct Places {
    /// Which packed tokens are written, int64; all where nil.
    let kept: Tensor?
    /// Page or ring of each, int64.
    let pages: Tensor
    /// Its place in there, int64.
    let tokens: Tensor
  }

  /// The places of the pieces' tokens; of the last `window` ones of each piece where there is a window.
  func places(window: Int?) -> Places {
    if let found = places[window] { return found }
    var (kept, rows, tokens): ([Int], [Int], [Int]) = ([], [], [])
    var first = 0
    for piece in pieces {
      let count = piece.tokens.count
      for token in max(0, count - (window ?? count))..<count {
        let position = piece.start + token
        kept.append(first + token)
        rows.append(window == nil ? piece.pages[position / pageTokens] : piece.slot)
        tokens.append(position % (window ?? pageTokens))
      }
      first += count
    }
    let made = Places(
      kept: kept.count == first ? nil : uploaded(kept), pages: uploaded(rows),
      tokens: uploaded(tokens))
    places[window] = made
    return made
  }

  /// Earlier tokens that the pieces see.
  struct Past {
    /// How many of each piece.
    let count: Int
    fileprivate let pieces: Int
    /// Their pages or rings, `[B·n]`.
    fileprivate let pages: Tensor
    /// Their places in a ring, in order; nil where pages hold them in order.
    fileprivate let tokens: Tensor?

    /// Their keys or values: from a pool `[P, G, C, Dh]` to `[B, G, count, Dh]`.
    func gathered(_ pool: Tensor) -> Tensor {
      let (heads, width) = (pool.dim(1), pool.dim(3))
      let some = pool.rows(pages).reshaped([pieces, -1, heads, pool.dim(2), width])
        .transposed(1, 2).reshaped([pieces, heads, -1, width])
      return tokens.map { some.rows($0, dim: 2) } ?? some.slice(0..<count, dim: 2)
    }
  }

  /// What the pieces see of what was read before; nil where that is nothing.
  func past(window: Int?) -> Past? {
    let start = pieces[0].start
    let count = min(start, window.map { $0 - 1 } ?? start)
    guard count > 0 else { return nil }
    if let found = pasts[window] { return found }
    let used = (start + pageTokens - 1) / pageTokens
    let made = Past(
      count: count, pieces: pieces.count,
      pages: window == nil ? uploaded(pieces.flatMap { $0.pages.prefix(used) }) : slots,
      tokens: window.map { window in uploaded((start - count..<start).map { $0 % window }) })
    pasts[window] = made
    return made
  }

  private func uploaded(_ values: [Int]) -> Tensor {
    Tensor(values).uploaded(to: context.device)
  }
}
