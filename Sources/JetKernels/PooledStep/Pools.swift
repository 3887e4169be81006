public import JetTensor

/// Keys and values of many sequences in pages of one pool, of a layer, and where the new token of each sequence stands.
///
/// Token `i` of sequence `n` lies at `(pages[n][i / C], i mod C)`. A ring is the one page of its sequence, as long as the
/// window, and the token of position `p` lies at `p mod C` of it.
///
/// Shapes: N sequences, P pages of C tokens, M the most pages of a sequence, G key heads, D head width.
public struct Pools {
  /// `[P, G, C, D]`.
  public var keys: Tensor
  /// `[P, G, C, D]`.
  public var values: Tensor
  /// Each sequence's pages in order, int32 `[N, M]`; those behind its tokens are not read.
  public var pages: Tensor
  /// The position of each sequence's new token, int32 `[N]`; -1 for a sequence that takes no part.
  public var positions: Tensor
  /// Whether a sequence has one page, its ring.
  public var isRing: Bool

  /// Pools and the places of new tokens in them.
  public init(keys: Tensor, values: Tensor, pages: Tensor, positions: Tensor, isRing: Bool) {
    self.keys = keys
    self.values = values
    self.pages = pages
    self.positions = positions
    self.isRing = isRing
  }

  /// Tokens of a page.
  var pageTokens: Int { keys.dim(2) }

  /// The most tokens that a sequence can have.
  var limit: Int { isRing ? pageTokens : pages.dim(1) * pageTokens }

  /// Whether our CUDA kernels take these pools together with `others`.
  func allowsKernels(with others: Tensor...) -> Bool {
    guard let first = others.first, FastForm.appliesOnGPU(to: keys, values, first) else {
      return false
    }
    return others.allSatisfy {
      $0.device == keys.device && $0.dtype == keys.dtype
        && !($0.requiresGradient && gradientsAreEnabled)
    } && keys.isContiguous && values.isContiguous && hasPlaces
  }

  private var hasPlaces: Bool {
    [pages, positions].allSatisfy {
      !$0.isFailed && $0.device == keys.device && $0.dtype == .int32 && $0.isContiguous
    }
  }

  /// Page and token of each sequence's token `index(position)`, for the sequences that have one there.
  func places(_ index: (Int) -> Int) -> (sequences: Tensor, pages: Tensor, tokens: Tensor) {
    let (table, count) = (pages.array(of: Int.self), pages.dim(1))
    var (sequences, found, tokens): ([Int], [Int], [Int]) = ([], [], [])
    for (sequence, position) in positions.array(of: Int.self).enumerated() where position >= 0 {
      let token = index(position)
      guard token < count * pageTokens else { continue }
      sequences.append(sequence)
      found.append(table[sequence * count + token / pageTokens])
      tokens.append(token % pageTokens)
    }
    return (
      Tensor(sequences).to(keys.device), Tensor(found).to(keys.device),
      Tensor(tokens).to(keys.device)
    )
  }

  /// Keys and values of all sequences in order, `[N, G, S, D]`, zeros where there is none, and where there are some:
  /// truth values `[N, S]`.
  func gathered() -> (keys: Tensor, values: Tensor, present: Tensor) {
    let counts = positions.array(of: Int.self).map { min(max($0 + 1, 0), limit) }
    let length = max(counts.max() ?? 0, 1)
    let (table, pageCount) = (pages.array(of: Int.self), pages.dim(1))
    var (found, tokens, present): ([Int], [Int], [Bool]) = ([], [], [])
    for (sequence, count) in counts.enumerated() {
      for token in 0..<length {
        let isPresent = token < count
        found.append(isPresent ? table[sequence * pageCount + token / pageTokens] : 0)
        tokens.append(isPresent ? token % pageTokens : 0)
        present.append(isPresent)
      }
    }
    let shape = [counts.count, length]
    let device = keys.device
    let places = [
      Tensor(found, shape: shape).to(device), nil, Tensor(tokens, shape: shape).to(device),
    ]
    let isPresent = Tensor(present, shape: shape).to(device)
    let absent = (!isPresent).unsqueezed(1).unsqueezed(-1)
    func sequences(_ pool: Tensor) -> Tensor {
      pool.at(places).transposed(1, 2).masked(absent, with: 0)
    }
    return (sequences(keys), sequences(values), isPresent)
  }
}
