import JetKernels
import JetTensor

/// Times the step of the JetBlock on pools, in bfloat16: many calls one after another on the GPU, each on other slots, so
/// that their states come from memory and not from a cache. A table for people and a line of JSON.
enum JetBlockStepBenchmark {
  private static let device = Device.cuda(0)

  struct Timing: Encodable {
    let shape: String
    let memory: String
    let microseconds: Double
    let megabytes: Double
    let gigabytesPerSecond: Double
    let shareOfCopy: Double
  }

  struct Result: Encodable {
    let benchmark = "jetBlockStep"
    let copyBytesPerSecond: Double
    let timings: [Timing]
  }

  static func run() throws {
    try withoutGradients {
      let copy = MeasuredRates.copy()
      print("jetBlockStep: copy \(Int(copy / 1e9)) GB/s")
      var timings: [Timing] = []
      for (heads, keyWidth, valueWidth) in [(12, 96, 256), (16, 128, 256)] {
        for rows in [1, 8, 128, 1024] {
          for memory in [DType.float32, .bfloat16] {
            var one = JetBlockStepCase(rows, heads, keyWidth, valueWidth)
            (one.dtype, one.memoryDType) = (.bfloat16, memory)
            one.inner = heads * valueWidth / 8
            timings.append(time(one, copy: copy))
            try device.releaseCached()
          }
        }
      }
      try printJSON(Result(copyBytesPerSecond: copy, timings: timings))
    }
  }

  private static func time(_ one: JetBlockStepCase, copy: Double) -> Timing {
    var one = one
    let stateBytes =
      one.heads * one.keyWidth * one.valueWidth * (one.memoryDType == .bfloat16 ? 2 : 4)
    let turns = SlotTurns(rows: one.rows, stateBytes: stateBytes, device: device)
    one.slots = turns.count
    let x = one.inputs(device)
    let calls = turns.slots.map { slots in
      var call = x
      call.slots = slots
      return call
    }
    let repeats = max(20, min(2000, 20_000 / one.rows))
    let seconds =
      medianSeconds(5, warmUps: 1) {
        for i in 0..<repeats { _ = calls[i % calls.count].run() }
      } / Double(repeats)
    let perRow = [x.projected, x.taps].map { $0.byteCount / one.rows }.reduce(0, +)
    let window = 2 * x.window.byteCount / one.slots
    let output = one.heads * one.valueWidth * 2
    let bytes = Double(one.rows * (2 * stateBytes + perRow + window + output))
    let timing = Timing(
      shape: "\(one.rows)×\(one.heads)×(\(one.keyWidth), \(one.valueWidth))",
      memory: "\(one.memoryDType)", microseconds: seconds * 1e6, megabytes: bytes / 1e6,
      gigabytesPerSecond: bytes / seconds / 1e9, shareOfCopy: bytes / seconds / copy)
    print(
      "jetBlockStep \(timing.shape), memory \(timing.memory): \(rounded(timing.microseconds)) µs, "
        + "\(rounded(timing.megabytes)) MB, \(Int(timing.gigabytesPerSecond)) GB/s "
        + "(\(rounded(100 * timing.shareOfCopy)) % of copy)")
    return timing
  }
}
