import JetTensor
import JetTestSupport

@testable import JetKernels

/// The sizes of one step of attention.
struct AttentionStepSize: Sendable, CustomStringConvertible {
  /// The tokens of each sequence, the new one included.
  let tokens: [Int]
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  /// Entries of a page; nil for one page a sequence with room for two more entries than the longest has.
  var page: Int?
  /// Whether each sequence has one page, the window of its last tokens.
  var isRing = false
  var width = 40
  var isPlain = false
  var isStrided = false

  var description: String {
    "\(tokens) tokens" + (page.map { isRing ? " in rings of \($0)" : " in pages of \($0)" } ?? "")
      + ", \(heads)/\(keyHeads) heads of \(headWidth), width \(width)"
      + (isPlain ? "" : ", bias and norms") + (isStrided ? ", strided pools" : "")
  }

  /// Entries of a page.
  var pageEntries: Int { page ?? (tokens.max() ?? 0) + 2 }
  /// How many entries each sequence looks at.
  var counts: [Int] { tokens.map { isRing ? min($0, pageEntries) : $0 } }
  /// Which of its entries each sequence writes.
  var written: [Int] { tokens.map { isRing ? ($0 - 1) % pageEntries : $0 - 1 } }

  static let all = batches + shapes + paged

  private static let batches: [AttentionStepSize] =
    sequenceCounts.enumerated().map { index, sequences in
      AttentionStepSize(
        tokens: (0..<sequences).map { 1 + $0 * 37 % 70 }, heads: 4, keyHeads: 2, headWidth: 24,
        page: [nil, 1, 7, 64][index % 4])
    }

  private static let shapes: [AttentionStepSize] = [
    AttentionStepSize(tokens: [1], heads: 1, keyHeads: 1, headWidth: 2, width: 1, isPlain: true),
    AttentionStepSize(tokens: [2, 63], heads: 3, keyHeads: 1, headWidth: 16, isPlain: true),
    AttentionStepSize(tokens: [64, 1], heads: 5, keyHeads: 1, headWidth: 40, isStrided: true),
    AttentionStepSize(tokens: [65], heads: 6, keyHeads: 6, headWidth: 64, isStrided: true),
    AttentionStepSize(tokens: [255, 256, 257], heads: 6, keyHeads: 2, headWidth: 96),
    AttentionStepSize(tokens: [1000], heads: 7, keyHeads: 1, headWidth: 128, isPlain: true),
    AttentionStepSize(tokens: [1, 1000], heads: 8, keyHeads: 1, headWidth: 80),
    AttentionStepSize(tokens: [31, 513], heads: 2, keyHeads: 2, headWidth: 256, width: 63),
    AttentionStepSize(tokens: [33], heads: 9, keyHeads: 3, headWidth: 32, isStrided: true),
    AttentionStepSize(
      tokens: [4, 900, 17], heads: 5, keyHeads: 1, headWidth: 96, page: 16, isRing: true,
      isStrided: true),
  ]

  private static let paged: [AttentionStepSize] =
    [1, 7, 64, 100, 256, 300].flatMap { page in
      [
        AttentionStepSize(tokens: [301, 5], heads: 3, keyHeads: 1, headWidth: 64, page: page),
        AttentionStepSize(
          tokens: [1, 64, 65, 640], heads: 4, keyHeads: 2, headWidth: 24, page: page,
          isStrided: true),
        AttentionStepSize(
          tokens: [page, page + 1, 5 * page + 2, 1], heads: 4, keyHeads: 2, headWidth: 32,
          page: page, isRing: true),
      ]
    }
}

/// What a step of attention reads; the pools are made anew for each call.
struct AttentionStepInputs {
  let size: AttentionStepSize
  let angles: RotaryAngles
  /// Input, norm, projection, output, keys and values of each sequence in order, then bias and norms of heads unless plain.
  var tensors: [Tensor]
  /// The pages of each sequence, in no order that means anything, as those of sequences that came and went.
  let pages: [[Int]]
  /// Pages of the pools, three of them nobody's.
  let poolPages: Int
  let scale = 0.2

  init(_ size: AttentionStepSize, _ dtype: DType) {
    self.size = size
    let numbers = Numbers(dtype)
    let (sequences, width) = (size.tokens.count, size.headWidth)
    let rows = (size.heads + 2 * size.keyHeads) * width
    let shape = [sequences, size.keyHeads, size.counts.max() ?? 0, width]
    tensors = [
      numbers.parameter([sequences, size.width]), numbers.aroundOne([size.width]),
      numbers.weight(rows, size.width), numbers.weight(size.width, size.heads * width),
      numbers.parameter(shape), numbers.parameter(shape),
    ]
    if !size.isPlain {
      tensors += [
        numbers.parameter([rows], deviation: 0.5), numbers.aroundOne([width]),
        numbers.aroundOne([width]),
      ]
    }
    angles = RotaryAngles(
      positions: size.tokens.map { [$0 + 3] }, headWidth: width,
      configuration: RotaryConfiguration(theta: 1e4))
    let needed = size.counts.map { ($0 + size.pageEntries - 1) / size.pageEntries }
    poolPages = needed.reduce(3, +)
    var generator = SeededGenerator(seed: 1)
    var free = Array(0..<poolPages).shuffled(using: &generator)
    pages = needed.map { count in
      defer { free.removeFirst(count) }
      return Array(free.prefix(count))
    }
  }

  /// The pages of each sequence; what is behind them is no page.
  var table: Tensor {
    let width = pages.map(\.count).max() ?? 0
    let rows = pages.flatMap { $0.map(Int32.init) + Array(repeating: -1, count: width - $0.count) }
    return Tensor(rows, shape: [pages.count, width])
  }

  var positions: Tensor { Tensor(size.tokens.map { Int32($0 - 1) }) }

  /// A pool as a call finds it: NaN where the tokens go and wherever nobody looks.
  func pool(_ filled: Tensor) -> Tensor {
    let (groups, entries, width) = (size.keyHeads, size.pageEntries, size.headWidth)
    let whole = Tensor.full([poolPages, groups, entries, width], .nan, dtype: filled.dtype)
    let pool = size.isStrided ? Layout.cut.laid(whole) : whole
    for (row, own) in pages.enumerated() {
      let line = Tensor.full([groups, own.count * entries, width], .nan, dtype: filled.dtype)
      let (count, new) = (size.counts[row], size.written[row])
      line.slice(0..<count, dim: 1)
        .assign(filled.select(row, dim: 0).slice(0..<count, dim: 1))
      line.slice(new..<new + 1, dim: 1).fill(.nan)
      pool.assign(
        line.reshaped([groups, own.count, entries, width]).transposed(0, 1), at: [Tensor(own)])
    }
    return pool
  }

  /// The entries of a pool that are in use, sequence after sequence.
  private func used(inPool pool: Tensor) -> [Tensor] {
    pages.enumerated().map { row, own in
      pool.rows(Tensor(own)).transposed(0, 1)
        .reshaped([size.keyHeads, own.count * size.pageEntries, size.headWidth])
        .slice(0..<size.counts[row], dim: 1).contiguous()
    }
  }

  private func optional(_ x: [Tensor], _ index: Int) -> Tensor? {
    index < x.count ? x[index] : nil
  }

  /// The output of a step on these pools, which it changes.
  func step(_ x: [Tensor], keys: Tensor, values: Tensor, table own: Tensor? = nil) -> Tensor {
    Steps.attention(
      x[0], norm: x[1], eps: 1e-6, projection: x[2], bias: optional(x, 6),
      queryNorm: optional(x, 7), keyNorm: optional(x, 8), angles: angles, keys: keys,
      values: values, pages: own ?? table, positions: positions, isRing: size.isRing, output: x[3],
      heads: size.heads, scale: scale)
  }

  /// The output, and the entries of both pools that are then in use, sequence after sequence.
  func step(_ x: [Tensor]) -> [Tensor] {
    let (keys, values) = (pool(x[4]), pool(x[5]))
    let y = step(x, keys: keys, values: values)
    return [y] + used(inPool: keys) + used(inPool: values)
  }

  /// The same by the definitions, in float32.
  func defined() -> [Tensor] {
    let x = tensors.map(\.float32)
    let (heads, keyHeads, sequences) = (size.heads, size.keyHeads, size.tokens.count)
    let projected = wideLinear(
      rmsNormDefinition(x[0], weight: x[1], eps: 1e-6), x[2], optional(x, 6))
    let parts = projected.reshaped([sequences, 1, heads + 2 * keyHeads, size.headWidth])
      .split([heads, keyHeads, keyHeads], dim: 2)
    func turned(_ part: Tensor, _ norm: Tensor?) -> Tensor {
      let normed = norm.map { rmsNormDefinition(part, weight: $0, eps: 1e-6) } ?? part
      return rotaryDefinition(normed, angles).transposed(1, 2)  // [N, H, 1, D]
    }
    let (keys, values) = (x[4].clone(), x[5].clone())
    let (key, value) = (turned(parts[1], optional(x, 8)), parts[2].transposed(1, 2))
    for (row, entry) in size.written.enumerated() {
      for (line, new) in [(keys, key), (values, value)] {
        line.select(row, dim: 0).slice(entry..<entry + 1, dim: 1).assign(new.select(row, dim: 0))
      }
    }
    // What a sequence looks at are its first entries, in whatever order they came.
    let places = Tensor.range(0, to: keys.dim(2)).unsqueezed(0)
    let last = Tensor(size.counts.map { $0 - 1 }, shape: [sequences, 1])
    let mixed = attentionDefinition(
      query: turned(parts[0], optional(x, 7)), key: keys, value: values, queryPositions: last,
      keyPositions: places.expanded([sequences, -1]), window: nil, scale: scale)
    let y = x[0] + wideLinear(mixed.transposed(1, 2).reshaped([sequences, -1]), x[3])
    func used(_ lines: Tensor) -> [Tensor] {
      size.counts.enumerated().map { row, count in
        lines.select(row, dim: 0).slice(0..<count, dim: 1).contiguous()
      }
    }
    return [y] + used(keys) + used(values)
  }
}
