import JetKernels
import JetTensor

/// The matrix product of a decode step on a GPU beside float64, alone and in graphs.
enum LinearStepChecks {
  /// The largest relative error: in bfloat16 one unit of the last place, as the reference is rounded at the same steps.
  private static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 8e-3 : 5e-6 }

  private static let device = Device.cuda(0)
  private static let counts = [1, 2, 3, 5, 8, 9, 13, 16, 17, 31, 32, 33, 70]
  /// Width of the input and features of the result.
  private static let sizes = [
    (1, 1), (3, 5), (7, 129), (8, 1), (24, 17), (40, 300), (100, 33), (200, 129), (384, 1000),
    (520, 77), (1536, 2111), (1544, 300), (3000, 64), (3112, 40), (8960, 24), (12_296, 16),
  ]

  static func run(small: Bool, _ tally: inout Tally) throws {
    try withoutGradients {
      let sizes = small ? Array(sizes.prefix(9)) : sizes
      let counts = small ? [1, 5, 9, 17, 33] : counts
      var turn = 0
      for dtype in [DType.float32, .bfloat16] {
        for (width, features) in sizes {
          for isGated in [false, true] {
            tally.compare(
              "\(dtype) linear step \(width) to \(features)\(isGated ? ", gated" : "")",
              counts.map { count in
                turn += 1
                var one = LinearStepCase(
                  count: count, width: width, features: features, dtype: dtype)
                one.isGated = isGated
                one.options = turn % 16
                one.margin = [0, 16, 3][turn % 3]
                return compared(one)
              })
          }
        }
        for isGated in [false, true] {
          for count in [1, 8, 16, 33] {
            tally.compare(
              "\(dtype) linear step of \(count), each option\(isGated ? ", gated" : "")",
              (0..<16).map { options in
                var one = LinearStepCase(count: count, width: 200, features: 129, dtype: dtype)
                one.isGated = isGated
                one.options = options
                return compared(one)
              })
          }
        }
      }
      sameBits(&tally)
      downloads(&tally)
      try graphs(&tally)
    }
  }

  private static func compared(
    _ one: LinearStepCase
  ) -> (name: String, Tensor, Tensor, bound: Double) {
    let inputs = LinearStepInputs(one)
    let expected = inputs.reference()
    poison()
    return ("\(one)", inputs.result(), expected, bound(one.dtype))
  }

  /// Leaves memory full of NaNs behind, so that what a kernel does not write shows.
  private static func poison() {
    let blocks = [100, 10_000, 400_000].map { Tensor.full([$0], .nan, device: device) }
    withExtendedLifetime(blocks) {}
  }

  private static func sameBits(_ tally: inout Tally) {
    for (width, features) in [(200, 129), (1536, 2111), (1544, 300), (3080, 64), (8960, 24)] {
      for isGated in [false, true] {
        var one = LinearStepCase(count: 8, width: width, features: features, dtype: .bfloat16)
        one.isGated = isGated
        one.options = 15
        let inputs = LinearStepInputs(one)
        let most = one.count
        let together = inputs.result().array(of: Float.self)
        let isSame = [1, 2, 3, 4, 5, 7].allSatisfy { count in
          let alone = inputs.rows(most - count..<most).result().array(of: Float.self)
          return alone == Array(together.suffix(count * features))
        }
        tally.record(
          isSame,
          "\(width) to \(features)\(isGated ? ", gated" : ""): a row has the same bits in any company"
        )
      }
    }
  }

  private static func downloads(_ tally: inout Tally) {
    let x = Tensor.randomNormal([333, 77], generator: Generator(seed: 3, device: device))
    let parts = (0..<3).map { x.slice($0 * 100..<$0 * 100 + 33, dim: 0).transposed(0, 1) }
    let pending = parts.map { $0.startDownload() }
    _ = parts[0].startDownload()  // Nobody waits for this one.
    tally.record(
      zip(parts, pending).allSatisfy {
        $0.array(of: Float.self) == $1.wait().array(of: Float.self)
      },
      "downloads that were started together are complete after their waits")
  }

  private static func graphs(_ tally: inout Tally) throws {
    for dtype in [DType.float32, .bfloat16] {
      // Wide enough that whole rows of the input are brought from some number of sequences on.
      for (count, width) in [
        (1, 640), (5, 640), (16, 640), (40, 640), (3, 3112), (5, 1544), (7, 1544), (8, 2048),
      ] {
        var one = LinearStepCase(count: count, width: width, features: width, dtype: dtype)
        one.options = 13
        let first = LinearStepInputs(one)
        one.isGated = true
        let second = LinearStepInputs(one)
        func chain() -> Tensor { second.result(of: first.result(of: first.result())) }
        let warm = chain()
        var result = warm
        let graph = try CUDAGraph(on: device) { result = chain() }
        var isSame = true
        for seed in 0..<3 {
          let generator = Generator(seed: UInt64(100 + seed), device: device)
          first.x.assign(Tensor.randomNormal(first.x.shape, generator: generator))
          let expected = chain().array(of: Float.self)
          graph.replay()
          isSame = isSame && result.array(of: Float.self) == expected
        }
        tally.record(
          isSame, "\(dtype), \(count) × \(width): replays of a graph follow their inputs")
      }
    }
    try failures(&tally)
  }

  /// What goes wrong while a graph is recorded leaves the GPU usable.
  private static func failures(_ tally: inout Tally) throws {
    let x = Tensor.ones([4], device: device)
    for round in 0..<2 {
      var errors: [String] = []
      do {
        _ = try CUDAGraph(on: device) {
          _ = x + 1
          throw CheckError("given up")
        }
      } catch { errors.append("\(error)") }
      tally.record(errors == ["given up"], "a graph that is given up throws what its body threw")
      errors = []
      do {
        _ = try CUDAGraph(on: device) { _ = (x + 1).array(of: Float.self) }
      } catch { errors.append("\(error)") }
      tally.record(errors.count == 1, "a copy to the CPU cannot be recorded: \(errors)")
      var sum = x
      let graph = try CUDAGraph(on: device) { sum = x + Double(round) }
      graph.replay()
      tally.record(
        sum.array(of: Float.self) == Array(repeating: Float(1 + round), count: 4),
        "the next graph is good")
    }
  }
}
