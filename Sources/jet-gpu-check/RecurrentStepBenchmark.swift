import JetKernels
import JetTensor

/// Times the steps of linear recurrences on pools, in bfloat16: many calls one after another on the GPU, each on other
/// slots, so that their states come from memory and not from a cache. A table for people and a line of JSON.
enum RecurrentStepBenchmark {
  private static let device = Device.cuda(0)

  struct Timing: Encodable {
    let kind: String
    let shape: String
    let microseconds: Double
    let definitionMicroseconds: Double
    let megabytes: Double
    let gigabytesPerSecond: Double
    let shareOfCopy: Double
  }

  struct Result: Encodable {
    let benchmark = "recurrentStep"
    let copyBytesPerSecond: Double
    let timings: [Timing]
  }

  /// Heads and widths as models have them.
  private static func sizes(_ kind: RecurrentStepCase.Kind) -> (Int, Int, Int, keyHeads: Int) {
    switch kind {
    case .mamba2: (32, 128, 64, 1)
    case .rwkv7: (24, 64, 64, 24)
    default: (12, 128, 128, 12)
    }
  }

  static func run() throws {
    try withoutGradients {
      let copy = MeasuredRates.copy()
      print("recurrentStep: copy \(Int(copy / 1e9)) GB/s")
      var timings: [Timing] = []
      for kind in RecurrentStepCase.Kind.allCases {
        for rows in [1, 8, 64, 512] {
          let (heads, keyWidth, valueWidth, keyHeads) = sizes(kind)
          var one = RecurrentStepCase(
            kind, rows, heads, keyWidth, valueWidth, keyHeads: keyHeads)
          one.dtype = .bfloat16
          timings.append(time(one, copy: copy))
          try device.releaseCached()
        }
      }
      try printJSON(Result(copyBytesPerSecond: copy, timings: timings))
    }
  }

  private static func time(_ one: RecurrentStepCase, copy: Double) -> Timing {
    var one = one
    let stateBytes = one.heads * one.keyWidth * one.valueWidth * 4
    let turns = SlotTurns(rows: one.rows, stateBytes: stateBytes, device: device)
    one.slots = turns.count
    let x = one.inputs(device)
    let calls = turns.slots.map { slots in
      var call = x
      call.slots = slots
      return call
    }
    func seconds(_ repeats: Int) -> Double {
      medianSeconds(5, warmUps: 1) {
        for i in 0..<repeats { _ = calls[i % calls.count].run() }
      } / Double(repeats)
    }
    let own = seconds(max(20, min(2000, 20_000 / one.rows)))
    let defined = FastForm.disabled { seconds(20) }
    let bytes = Double(one.rows * 2 * stateBytes)
    let timing = Timing(
      kind: one.kind.rawValue,
      shape: "\(one.rows)×\(one.heads)×(\(one.keyWidth), \(one.valueWidth))",
      microseconds: own * 1e6, definitionMicroseconds: defined * 1e6, megabytes: bytes / 1e6,
      gigabytesPerSecond: bytes / own / 1e9, shareOfCopy: bytes / own / copy)
    print(
      "recurrentStep \(timing.kind) \(timing.shape): \(rounded(timing.microseconds)) µs, "
        + "\(rounded(timing.megabytes)) MB of states, \(Int(timing.gigabytesPerSecond)) GB/s "
        + "(\(rounded(100 * timing.shareOfCopy)) % of copy), by its definition "
        + "\(rounded(timing.definitionMicroseconds)) µs")
    return timing
  }
}
