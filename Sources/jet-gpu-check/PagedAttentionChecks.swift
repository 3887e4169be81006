import JetKernels
import JetTensor

/// Paged attention and the rotary step beside their definitions on the same GPU.
enum PagedAttentionChecks {
  /// Weights are rounded to bfloat16 once, the result too.
  private static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 8e-3 : 3e-6 }
  private static let device = Device.cuda(0)

  private static let mixed = [1, 2, 15, 16, 17, 63, 64, 65, 0, 127, 128, 129, 1000, 1152, 3000]

  private static func cases(small: Bool) -> [PooledCase] {
    let short = [1, 17, 0, 70, 200]
    var all = [
      PooledCase(lengths: short, pageTokens: 64),
      PooledCase(lengths: short, pageTokens: 1, keyHeads: 3, group: 1, width: 32),
      PooledCase(lengths: short, pageTokens: 7, keyHeads: 1, group: 16, width: 40),
      PooledCase(lengths: short, pageTokens: 16, keyHeads: 2, group: 9, width: 256),
      PooledCase(lengths: [1, 15, 16, 17, 900, 0], pageTokens: 16, isRing: true),
    ]
    if small { return all }
    for pageTokens in [1, 16, 64, 1152] {
      for group in [1, 2, 3, 6, 8, 11, 16] {
        all.append(PooledCase(lengths: mixed, pageTokens: pageTokens, group: group))
      }
      for width in [32, 40, 64, 72, 80, 96, 112, 128, 160, 192, 256] {
        all.append(
          PooledCase(lengths: mixed, pageTokens: pageTokens, group: 3, width: width))
      }
    }
    all += [
      PooledCase(lengths: mixed, pageTokens: 1152, isRing: true),
      PooledCase(lengths: [5000, 1152, 1153, 1, 100_000], pageTokens: 1152, isRing: true),
      PooledCase(lengths: mixed, pageTokens: 65, keyHeads: 1, group: 12, width: 64, isRing: true),
      // Widths that the tensor cores do not take.
      PooledCase(lengths: mixed, pageTokens: 64, group: 3, width: 20),
      PooledCase(lengths: mixed, pageTokens: 64, group: 3, width: 17),
      PooledCase(lengths: [4096], pageTokens: 64),
      PooledCase(lengths: [20_000], pageTokens: 64, keyHeads: 1, group: 2),
      PooledCase(
        lengths: [6000] + [Int](repeating: 30, count: 300), pageTokens: 64, keyHeads: 1, group: 2,
        width: 64),
      PooledCase(lengths: (0..<1000).map { $0 * 7 % 400 }, pageTokens: 16, keyHeads: 1, group: 2),
      // Of several pieces each, some blocks with many of them and some pieces in many blocks.
      PooledCase(lengths: (0..<100).map { $0 * 613 % 9000 }, pageTokens: 64, group: 3, width: 64),
      PooledCase(lengths: [70_000, 1, 300, 33_000, 4097], pageTokens: 64),
      PooledCase(lengths: [30_000, 20_000, 7], pageTokens: 256, group: 12, width: 256),
      PooledCase(lengths: [150_000, 3], pageTokens: 256, keyHeads: 1, group: 2, width: 40),
    ]
    return all
  }

  static func run(small: Bool, _ tally: inout Tally) {
    withoutGradients {
      for var one in cases(small: small) {
        for dtype in [DType.bfloat16, .float32] {
          one.dtype = dtype
          attention(one, &tally)
        }
      }
      for dtype in [DType.bfloat16, .float32] {
        for isNormed in [false, true] {
          for var one in rotaryCases(small: small) {
            one.dtype = dtype
            rotary(one, isNormed: isNormed, &tally)
          }
        }
      }
    }
  }

  private static func attention(_ one: PooledCase, _ tally: inout Tally) {
    let generator = Generator(seed: 7, device: device)
    let pools = one.pools(generator, isFilled: false)
    one.write(pools, generator)
    let query = Tensor.randomNormal(
      [one.lengths.count, one.heads, one.width], generator: generator
    )
    .to(one.dtype)
    let scale = 1.5 / Double(one.width).squareRoot()
    let wide = Pools(
      keys: pools.keys.float32, values: pools.values.float32, pages: pools.pages,
      positions: pools.positions, isRing: pools.isRing)
    let expected = pagedAttentionStepDefinition(query: query.float32, pools: wide, scale: scale)
    poisonFreedMemory()
    let found = pagedAttentionStep(query: query, pools: pools, scale: scale)
    tally.compare("paged attention \(one)", [("output", found, expected, bound(one.dtype))])
    poisonFreedMemory()
    let again = pagedAttentionStep(query: query, pools: pools, scale: scale)
    tally.record(
      largestDifference(found, again) == 0, "paged attention \(one): the same bits again")
    company(one, query, pools, scale, found, &tally)
  }

  /// The bits of a sequence where others are shorter or gone, where there could be more pages, and in other rows.
  private static func company(
    _ one: PooledCase, _ query: Tensor, _ pools: Pools, _ scale: Double, _ found: Tensor,
    _ tally: inout Tally
  ) {
    func expectBits(_ result: Tensor, _ expected: Tensor, _ what: String) {
      tally.record(
        largestDifference(result, expected) == 0, "paged attention \(one): the same bits \(what)")
    }
    func isKept(_ sequence: Int) -> Bool { sequence % 3 == one.lengths.count % 3 }
    let kept = one.lengths.indices.filter(isKept)
    let changes: [(name: String, length: (Int) -> Int)] = [
      ("shorter", { $0 / 2 }), ("gone", { _ in 0 }),
    ]
    for change in changes where !kept.isEmpty {
      let lengths = one.lengths.enumerated().map { isKept($0) ? $1 : change.length($1) }
      var beside = pools
      beside.positions = Tensor(lengths.map { Int32($0 - 1) }).to(device)
      poisonFreedMemory()
      let result = pagedAttentionStep(query: query, pools: beside, scale: scale)
      expectBits(
        rows(kept, of: result), rows(kept, of: found), "where other sequences are \(change.name)")
    }
    if !one.isRing {
      var wider = pools
      wider.pages = pools.pages.padded(after: 1 + pools.pages.dim(1) / 2, dim: 1)
      let result = pagedAttentionStep(query: query, pools: wider, scale: scale)
      expectBits(result, found, "where there could be more pages")
    }
    let turned = Pools(
      keys: pools.keys, values: pools.values, pages: pools.pages.flipped(dim: 0),
      positions: pools.positions.flipped(dim: 0), isRing: pools.isRing)
    let result = pagedAttentionStep(query: query.flipped(dim: 0), pools: turned, scale: scale)
    expectBits(result.flipped(dim: 0), found, "in other rows")
  }

  private static func rows(_ indices: [Int], of tensor: Tensor) -> Tensor {
    Tensor.stack(indices.map { tensor.select($0, dim: 0) }, dim: 0)
  }

  private static func rotaryCases(small: Bool) -> [PooledCase] {
    let all = [
      PooledCase(lengths: [1, 0, 70, 200], pageTokens: 64),
      PooledCase(lengths: [1, 5, 64, 65], pageTokens: 1, keyHeads: 3, group: 1, width: 32),
      PooledCase(lengths: [1, 1152, 1153, 262_144, 0], pageTokens: 1152, isRing: true),
      PooledCase(lengths: mixed, pageTokens: 16, keyHeads: 1, group: 16, width: 40),
      PooledCase(lengths: mixed, pageTokens: 7, keyHeads: 8, group: 4, width: 256),
    ]
    return small ? Array(all.prefix(2)) : all
  }

  private static func rotary(_ one: PooledCase, isNormed: Bool, _ tally: inout Tally) {
    let generator = Generator(seed: 8, device: device)
    let columns = (one.heads + 2 * one.keyHeads) * one.width
    // Cut out of a wider tensor, so that rows are apart.
    let projected = Tensor.randomNormal([one.lengths.count, columns + 3], generator: generator)
      .to(one.dtype).slice(1..<columns + 1, dim: 1)
    func weight() -> Tensor {
      (Tensor.randomNormal([one.width], generator: generator) * 0.2 + 1).to(one.dtype)
    }
    let norms = isNormed ? HeadNormWeights(query: weight(), key: weight(), eps: 1e-6) : nil
    let (radians, _) = RotaryConfiguration(theta: 1e6).frequencies(headWidth: one.width, length: 1)
    let frequencies = RotaryFrequencies(radians: Tensor(radians).to(device), magnitude: 1.1)
    let pools = one.pools(generator, isFilled: true)
    let copies = Pools(
      keys: pools.keys.clone(), values: pools.values.clone(), pages: pools.pages,
      positions: pools.positions, isRing: pools.isRing)
    let before = (pools.keys.clone(), pools.values.clone())
    let expected = rotaryStepDefinition(
      projected, norms: norms, frequencies: frequencies, pools: copies)
    poisonFreedMemory()
    let found = rotaryStep(projected, norms: norms, frequencies: frequencies, pools: pools)
    let name = "rotary step \(one)\(isNormed ? " normed" : "")"
    let limit = one.dtype == .bfloat16 ? 4e-3 : 6e-7
    // What was written, by itself: a pool's other numbers would hide an error.
    tally.compare(
      name,
      [
        ("queries", found, expected, limit),
        (
          "keys", pools.keys.float32 - before.0.float32, copies.keys.float32 - before.0.float32,
          limit
        ),
        (
          "values", pools.values.float32 - before.1.float32,
          copies.values.float32 - before.1.float32, 0
        ),
      ])
    let untouched = copies.keys .== before.0
    let kept = (pools.keys .== before.0) | !untouched
    tally.record(
      kept.to(.int64).sum().item(as: Int.self) == kept.count, "\(name): neighbours untouched")
  }
}
