import JetKernels
import JetTensor

/// The steps of linear recurrences on pools: our CUDA kernel beside the definition on the same GPU.
enum RecurrentStepChecks {
  private static let device = Device.cuda(0)

  /// The largest relative error. Both round once, but sums in another order may round to the neighbour.
  private static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 4e-3 : 3e-6 }

  static func run(small: Bool, _ tally: inout Tally) {
    withoutGradients {
      for kind in RecurrentStepCase.Kind.allCases {
        for dtype in [DType.float32, .bfloat16] {
          let all = RecurrentStepCase.all(kind)
          for var one in small ? all.filter({ $0.rows * $0.heads < 40 }) : all {
            one.dtype = dtype
            compare(one, &tally)
          }
          scratch(kind, dtype, &tally)
          steps(kind, dtype, &tally)
        }
        misaligned(kind, &tally)
        outside(kind, &tally)
      }
    }
  }

  /// Leaves memory full of NaNs behind, so that what a kernel does not write shows.
  static func poison(_ shape: [Int], _ dtype: DType) {
    let tensors = (0..<4).map { _ in Tensor.full(shape, .nan, dtype: dtype, device: device) }
    withExtendedLifetime(tensors) {}
  }

  private static func results(
    _ x: RecurrentStepCase.Inputs, _ y: Tensor, expected: RecurrentStepCase.Inputs, _ z: Tensor
  ) -> [(name: String, Tensor, Tensor, bound: Double)] {
    [
      ("output", y, z, bound(y.dtype)), ("memory", x.memory, expected.memory, bound(.float32)),
    ]
  }

  /// All of the pool is compared, so other slots are to be untouched; and the same again, for the same bits.
  private static func compare(_ one: RecurrentStepCase, _ tally: inout Tally) {
    let x = one.inputs(device)
    let (expected, again) = (x.copy, x.copy)
    let z = FastForm.disabled { expected.run() }
    poison(z.shape, z.dtype)
    let y = x.run()
    let other = again.run()
    tally.compare("recurrentStep \(one)", results(x, y, expected: expected, z))
    let difference = largestDifference(y, other) + largestDifference(x.memory, again.memory)
    if difference != 0 {
      tally.record(false, "recurrentStep \(one), twice: not the same bits, by \(difference)")
    }
  }

  /// A pool at an address that is a multiple of four bytes only.
  private static func misaligned(_ kind: RecurrentStepCase.Kind, _ tally: inout Tally) {
    let one = RecurrentStepCase(kind, 6, 3, 40, 36)
    var x = one.inputs(device)
    let expected = x.copy
    x.memory = moved(x.memory)
    let z = FastForm.disabled { expected.run() }
    tally.compare("recurrentStep \(one), moved", results(x, x.run(), expected: expected, z))
  }

  /// Padding rows all name slot 0; the others are to be as if alone.
  private static func scratch(
    _ kind: RecurrentStepCase.Kind, _ dtype: DType, _ tally: inout Tally
  ) {
    var one = RecurrentStepCase(kind, 64, 4, 96, 128)
    one.dtype = dtype
    var x = one.inputs(device)
    let scratch = ScratchSlots(rows: 64, device: device)
    x.slots = scratch.slots
    let expected = x.copy
    let z = FastForm.disabled { expected.run() }
    let y = x.run()
    let (rows, places) = (scratch.rows, scratch.places)
    tally.compare(
      "recurrentStep \(one), most rows in the scratch slot",
      [
        ("output", y.rows(rows), z.rows(rows), bound(y.dtype)),
        ("memory", x.memory.rows(places), expected.memory.rows(places), bound(.float32)),
      ])
  }

  /// Many steps without waiting between them: each has to see what the one before it wrote.
  private static func steps(
    _ kind: RecurrentStepCase.Kind, _ dtype: DType, _ tally: inout Tally
  ) {
    for rows in [1, 40] {
      var one = RecurrentStepCase(kind, rows, 12, 96, 128)
      one.dtype = dtype
      let x = one.inputs(device)
      let expected = x.copy
      var (y, z) = (x.value, x.value)
      for _ in 0..<20 { z = FastForm.disabled { expected.run() } }
      for _ in 0..<20 { y = x.run() }
      tally.compare("recurrentStep \(one), 20 steps", results(x, y, expected: expected, z))
    }
  }

  /// A slot that the pool has not gives NaN for that row, and changes nothing.
  private static func outside(_ kind: RecurrentStepCase.Kind, _ tally: inout Tally) {
    let one = RecurrentStepCase(kind, 3, 2, 24, 72)
    var x = one.inputs(device)
    let before = x.copy
    x.slots = Tensor([Int32(one.slots), 2, -1], shape: [3]).to(device)
    let y = x.run()
    let isRight =
      [0, 2].allSatisfy { y.select($0, dim: 0).array(of: Float.self).allSatisfy(\.isNaN) }
      && y.select(1, dim: 0).isFinite
    tally.record(isRight, "recurrentStep \(one) gives NaN for slots outside, and for no other")
    let others = Tensor((0..<one.slots).filter { $0 != 2 }, shape: [one.slots - 1]).to(device)
    tally.compare(
      "recurrentStep \(one) with slots outside the pool",
      [("memory", x.memory.rows(others), before.memory.rows(others), 0)])
  }
}
