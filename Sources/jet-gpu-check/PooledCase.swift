import JetKernels
import JetTensor

/// Sequences with keys and values in pages of pools on the GPU: the sizes of one comparison or measurement.
struct PooledCase: CustomStringConvertible {
  /// Tokens of each sequence, the new one included; 0 for a sequence that takes no part.
  var lengths: [Int]
  var pageTokens: Int
  var keyHeads = 2
  var group = 6
  var width = 128
  var isRing = false
  var dtype = DType.bfloat16

  var heads: Int { keyHeads * group }

  var description: String {
    let (least, most) = (lengths.min() ?? 0, lengths.max() ?? 0)
    return "\(dtype) \(lengths.count) × \(least == most ? "\(least)" : "\(least)…\(most)"), "
      + "\(isRing ? "rings" : "pages") of \(pageTokens), \(group)·\(keyHeads) heads of \(width)"
  }

  /// Tokens that the sequences attend to.
  var attended: Int { lengths.reduce(0) { $0 + (isRing ? min($1, pageTokens) : $1) } }

  /// Bytes of the keys and values that are attended to.
  var cacheBytes: Int { 2 * attended * keyHeads * width * dtype.byteCount }

  /// Pools full of NaN, or of random numbers where `isFilled` says so; their pages are dealt out in no order.
  func pools(_ generator: Generator, isFilled: Bool) -> Pools {
    let counts = lengths.map { isRing ? 1 : max(1, ($0 + pageTokens - 1) / pageTokens) }
    let pageCount = counts.reduce(0, +) + 1
    var order = Array(0..<pageCount)
    var numbers = Shuffling(state: 7)
    order.shuffle(using: &numbers)
    let most = counts.max() ?? 1
    var dealt = 0
    var table = [Int32](repeating: -1, count: counts.count * most)
    for (sequence, count) in counts.enumerated() {
      for slot in 0..<count {
        table[sequence * most + slot] = Int32(order[dealt])
        dealt += 1
      }
    }
    let shape = [pageCount, keyHeads, pageTokens, width]
    func pool() -> Tensor {
      isFilled
        ? Tensor.randomNormal(shape, generator: generator, dtype: dtype)
        : Tensor.full(shape, .nan, dtype: dtype, device: generator.device)
    }
    return Pools(
      keys: pool(), values: pool(),
      pages: Tensor(table, shape: [counts.count, most]).to(generator.device),
      positions: Tensor(lengths.map { Int32($0 - 1) }).to(generator.device), isRing: isRing)
  }

  /// Writes random keys and values to the places of all tokens, and leaves NaN elsewhere.
  func write(_ pools: Pools, _ generator: Generator) {
    let table = pools.pages.array(of: Int.self)
    let most = pools.pages.dim(1)
    var (pages, tokens): ([Int], [Int]) = ([], [])
    for (sequence, length) in lengths.enumerated() {
      for token in 0..<(isRing ? min(length, pageTokens) : length) {
        pages.append(table[sequence * most + token / pageTokens])
        tokens.append(token % pageTokens)
      }
    }
    let places = [Tensor(pages).to(generator.device), nil, Tensor(tokens).to(generator.device)]
    for pool in [pools.keys, pools.values] {
      let numbers = Tensor.randomNormal([pages.count, keyHeads, width], generator: generator)
      pool.assign(numbers.to(dtype), at: places)
    }
  }
}

/// Splitmix64, for the order of pages.
private struct Shuffling: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Leaves memory full of NaNs behind, so that what a kernel does not write shows.
func poisonFreedMemory() {
  let device = Device.cuda(0)
  let large = Tensor.full([64 << 20], .nan, device: device)
  let small = (0..<64).map { _ in Tensor.full([100_000], .nan, device: device) }
  withExtendedLifetime((large, small)) {}
}
