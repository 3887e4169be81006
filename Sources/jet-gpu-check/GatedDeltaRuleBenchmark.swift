import JetKernels
import JetTensor

/// Times the gated delta rule in bfloat16 on random data; a table for people and a last line of JSON.
enum GatedDeltaRuleBenchmark {
  private static let device = Device.cuda(0)

  static func run() throws {
    let peaks = (copy: MeasuredRates.copy(), product: MeasuredRates.product())
    print(
      "copy \(Int(peaks.copy / 1e9)) GB/s, bfloat16 product \(Int(peaks.product / 1e12)) TFLOP/s")
    var rows: [Timing] = []
    for (one, repeats) in shapes {
      rows.append(
        time(one, "forward", peaks: peaks, isPlain: false, isBackward: false, repeats: repeats))
      rows.append(
        time(
          one, "forward and backward", peaks: peaks, isPlain: false, isBackward: true,
          repeats: repeats))
      try device.releaseCached()
    }
    for (one, _) in shapes.prefix(1) {
      rows.append(time(one, "forward", peaks: peaks, isPlain: true, isBackward: false, repeats: 3))
      rows.append(
        time(one, "forward and backward", peaks: peaks, isPlain: true, isBackward: true, repeats: 3)
      )
      try device.releaseCached()
    }
    try printJSON(
      Result(copyBytesPerSecond: peaks.copy, productFlops: peaks.product, timings: rows))
  }

  /// Each kernel once after a warm-up, for a profiler.
  static func profile() throws {
    for (one, _) in shapes.prefix(1) {
      for isBackward in [false, true] {
        _ = time(one, "", peaks: (1, 1), isPlain: false, isBackward: isBackward, repeats: 1)
      }
    }
  }

  private static let shapes: [(GatedDeltaRuleCase, Int)] = [
    (
      GatedDeltaRuleCase(
        batch: 8, tokens: 4096, heads: 12, keyWidth: 96, valueWidth: 256, dtype: .bfloat16), 20
    ),
    (
      GatedDeltaRuleCase(
        batch: 1, tokens: 65536, heads: 12, keyWidth: 96, valueWidth: 256, dtype: .bfloat16), 10
    ),
    (
      GatedDeltaRuleCase(
        batch: 32, tokens: 2048, heads: 9, keyWidth: 64, valueWidth: 64, dtype: .bfloat16), 20
    ),
  ]

  struct Timing: Encodable {
    let shape: String
    let pass: String
    let form: String
    let milliseconds: Double
    /// Of the least bytes that must move: each input read once, each result written once.
    let leastGigabytesPerSecond: Double
    let teraflops: Double
    let shareOfCopy: Double
    let shareOfProduct: Double
  }

  struct Result: Encodable {
    let copyBytesPerSecond: Double
    let productFlops: Double
    let timings: [Timing]
  }

  private static func time(
    _ one: GatedDeltaRuleCase, _ pass: String, peaks: (copy: Double, product: Double),
    isPlain: Bool, isBackward: Bool, repeats: Int
  ) -> Timing {
    let generator = Generator(seed: 2, device: device)
    let x = one.inputs(generator).map { isBackward ? $0.requiringGradient() : $0 }
    let seed = Tensor.randomNormal(x[2].shape, generator: generator).to(one.dtype)
    func forward() -> Tensor {
      var memory = x[5]
      if isPlain {
        return gatedDeltaRuleChunked(
          query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4],
          memory: &memory, scale: 0.1, normalizes: true)
      }
      return gatedDeltaRule(
        query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4], memory: &memory,
        scale: 0.1)
    }
    let seconds = medianSeconds(repeats, warmUps: repeats > 1 ? 3 : 1) {
      if isBackward {
        _ = gradients(of: [forward()], by: x, seeds: [seed])
      } else {
        withoutGradients { _ = forward() }
      }
    }
    let inputs = x.map(\.byteCount).reduce(0, +)
    let bytes = Double(inputs + x[2].byteCount + x[5].byteCount) * (isBackward ? 3 : 1)
    let flops = one.operations * (isBackward ? 3 : 1)
    let timing = Timing(
      shape: "\(one.batch)×\(one.tokens)×\(one.heads)×(\(one.keyWidth), \(one.valueWidth))",
      pass: pass, form: isPlain ? "plain tensor operations" : "kernels",
      milliseconds: seconds * 1e3, leastGigabytesPerSecond: bytes / seconds / 1e9,
      teraflops: flops / seconds / 1e12, shareOfCopy: bytes / seconds / peaks.copy,
      shareOfProduct: flops / seconds / peaks.product)
    print(
      "\(timing.shape) \(pass), \(timing.form): \(rounded(timing.milliseconds)) ms, "
        + "\(Int(timing.leastGigabytesPerSecond)) GB/s (\(rounded(100 * timing.shareOfCopy)) %), "
        + "\(rounded(timing.teraflops)) TFLOP/s (\(rounded(100 * timing.shareOfProduct)) %)")
    return timing
  }
}
