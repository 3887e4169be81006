import JetKernels
import JetTensor

/// Times paged attention and sampling on random data; a table for people and a last line of JSON.
enum PooledStepBenchmark {
  private static let device = Device.cuda(0)

  struct Timing: Encodable {
    let operation: String
    let shape: String
    let microseconds: Double
    /// Each number that must be read, once.
    let bytes: Int
    let gigabytesPerSecond: Double
    let shareOfCopy: Double
  }

  struct Result: Encodable {
    let copyBytesPerSecond: Double
    let timings: [Timing]
  }

  static func run() throws {
    let copy = MeasuredRates.copy()
    print("copy \(Int(copy / 1e9)) GB/s")
    var timings: [Timing] = []
    for one in attentionCases {
      guard try fits(one) else {
        print("paged attention \(one): does not fit into memory, not timed")
        continue
      }
      timings.append(attention(one, copy))
      try device.releaseCached()
    }
    for rows in [1, 128, 1024] {
      for (name, choice) in [
        ("greedy", SampleStepChecks.Choice(temperature: 0)), ("all", .init()),
        ("top-p", .init(temperature: 0.8, topP: 0.95)),
        ("top-p of 0.9 at temperature 0.7", .init(temperature: 0.7, topP: 0.9)),
        ("top-p of 0.9 at temperature 1", .init(temperature: 1, topP: 0.9)),
        ("top-k and top-p", .init(temperature: 0.8, topK: 50, topP: 0.95)),
      ] {
        timings.append(sampling(name, choice, rows: rows, copy))
      }
      try device.releaseCached()
    }
    try printJSON(Result(copyBytesPerSecond: copy, timings: timings))
  }

  private static let attentionCases: [PooledCase] = {
    func even(_ sequences: Int, _ tokens: Int) -> PooledCase {
      PooledCase(lengths: [Int](repeating: tokens, count: sequences), pageTokens: 64)
    }
    var rings = even(128, 65_536)
    (rings.pageTokens, rings.isRing) = (1152, true)
    var uneven = even(128, 4096)
    for i in stride(from: 0, to: 128, by: 16) { uneven.lengths[i] = 131_072 }
    var (longAmongFew, longAmongMany) = (even(8, 300), even(128, 300))
    longAmongFew.lengths[3] = 32_768
    longAmongMany.lengths[70] = 131_072
    return [
      longAmongFew, longAmongMany, even(128, 65_536), even(1, 4096), even(1, 65_536),
      even(64, 262_144), even(1024, 4096), rings,
      uneven,
    ]
  }()

  /// Whether the pools fit, with room beside them.
  private static func fits(_ one: PooledCase) throws -> Bool {
    try one.cacheBytes + (2 << 30) < device.memory().freeBytes
  }

  private static func attention(_ one: PooledCase, _ copy: Double) -> Timing {
    withoutGradients {
      let generator = Generator(seed: 3, device: device)
      let pools = one.pools(generator, isFilled: true)
      let query = Tensor.randomNormal(
        [one.lengths.count, one.heads, one.width], generator: generator
      ).to(one.dtype)
      let scale = 1 / Double(one.width).squareRoot()
      let bytes = one.cacheBytes + 2 * query.byteCount
      return timing("paged attention", "\(one)", bytes: bytes, copy) {
        _ = pagedAttentionStep(query: query, pools: pools, scale: scale)
      }
    }
  }

  private static func sampling(
    _ name: String, _ choice: SampleStepChecks.Choice, rows: Int, _ copy: Double
  ) -> Timing {
    withoutGradients {
      let logits = Tensor.randomNormal(
        [rows, 151_936], generator: Generator(seed: 4, device: device))
      let scaled = logits * 2.5
      let options = SampleStepChecks.options(
        [SampleStepChecks.Choice](repeating: choice, count: rows))
      return timing("sampling, \(name)", "\(rows) × 151936", bytes: scaled.byteCount, copy) {
        _ = sampleStep(scaled, options)
      }
    }
  }

  private static func timing(
    _ operation: String, _ shape: String, bytes: Int, _ copy: Double, _ body: () -> Void
  ) -> Timing {
    let seconds = secondsInAStep(body)
    let result = Timing(
      operation: operation, shape: shape, microseconds: seconds * 1e6, bytes: bytes,
      gigabytesPerSecond: Double(bytes) / seconds / 1e9,
      shareOfCopy: Double(bytes) / seconds / copy)
    print(
      "\(operation), \(shape): \((seconds * 1e7).rounded() / 10) µs, \(bytes) bytes, "
        + "\(Int(result.gigabytesPerSecond)) GB/s (\((1000 * result.shareOfCopy).rounded() / 10) %)"
    )
    return result
  }

  /// Seconds of one call: calls follow one another for about 20 ms, as in a step, so that the launch is hidden where the
  /// device is slower than the host.
  private static func secondsInAStep(_ body: () -> Void) -> Double {
    let about = medianSeconds(1, calls: 3, warmUps: 4, body)
    return medianSeconds(7, calls: max(1, min(2000, Int(0.02 / about))), warmUps: 0, body)
  }
}
