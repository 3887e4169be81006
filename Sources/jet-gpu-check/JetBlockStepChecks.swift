import JetKernels
import JetTensor

/// The step of the JetBlock on pools: our CUDA kernel beside the definition on the same GPU.
enum JetBlockStepChecks {
  private static let device = Device.cuda(0)

  /// The largest relative error. Both round at the same points, but sums in another order may round to the neighbour.
  private static func bound(_ dtypes: DType...) -> Double {
    dtypes.contains(.bfloat16) ? 4e-3 : 3e-6
  }

  static func run(small: Bool, _ tally: inout Tally) {
    withoutGradients {
      for dtype in [DType.float32, .bfloat16] {
        for memory in [DType.float32, .bfloat16] {
          let all = JetBlockStepCase.all
          for var one in small ? all.filter({ $0.rows * $0.heads < 40 }) : all {
            (one.dtype, one.memoryDType) = (dtype, memory)
            compare(one, &tally)
          }
        }
        strided(dtype, &tally)
        scratch(dtype, &tally)
        steps(dtype, &tally)
      }
      outside(&tally)
    }
  }

  /// Leaves memory full of NaNs behind, so that what a kernel does not write shows.
  private static func poison(_ shape: [Int], _ dtype: DType) {
    let tensors = (0..<4).map { _ in Tensor.full(shape, .nan, dtype: dtype, device: device) }
    withExtendedLifetime(tensors) {}
  }

  private static func results(
    _ x: JetBlockStepCase.Inputs, _ y: Tensor, expected: JetBlockStepCase.Inputs, _ z: Tensor
  ) -> [(name: String, Tensor, Tensor, bound: Double)] {
    let (dtype, memory) = (y.dtype, x.memory.dtype)
    return [
      ("output", y, z, bound(dtype)), ("window", x.window, expected.window, 0),
      ("memory", x.memory, expected.memory, bound(dtype, memory)),
    ]
  }

  /// All of both pools is compared, so other slots are to be untouched.
  private static func compare(_ one: JetBlockStepCase, _ tally: inout Tally) {
    let x = one.inputs(device)
    let expected = x.copy
    let z = FastForm.disabled { expected.run() }
    poison(z.shape, one.dtype)
    let y = x.run()
    tally.compare("jetBlockStep \(one)", results(x, y, expected: expected, z))
  }

  /// Rows cut out of a wider matrix, pools cut out of those of two layers: at addresses that are multiples of little.
  private static func strided(_ dtype: DType, _ tally: inout Tally) {
    var one = JetBlockStepCase(6, 3, 40, 36)
    one.dtype = dtype
    var x = one.inputs(device)
    let expected = x.copy
    let wide = Tensor.full(
      [one.rows, x.projected.dim(1) + 3], .nan, dtype: dtype, device: device)
    let rows = wide.slice(1..<1 + x.projected.dim(1), dim: 1)
    rows.assign(x.projected)
    x.projected = rows
    (x.window, x.memory, x.taps) = (moved(x.window), moved(x.memory), moved(x.taps))
    let z = FastForm.disabled { expected.run() }
    tally.compare("jetBlockStep \(one), cut", results(x, x.run(), expected: expected, z))
  }

  /// Padding rows all name slot 0; the others are to be as if alone.
  private static func scratch(_ dtype: DType, _ tally: inout Tally) {
    var one = JetBlockStepCase(64, 4, 96, 256)
    one.dtype = dtype
    var x = one.inputs(device)
    let scratch = ScratchSlots(rows: 64, device: device)
    x.slots = scratch.slots
    let expected = x.copy
    let z = FastForm.disabled { expected.run() }
    let y = x.run()
    let (rows, places) = (scratch.rows, scratch.places)
    tally.compare(
      "jetBlockStep \(one), most rows in the scratch slot",
      [
        ("output", y.rows(rows), z.rows(rows), bound(dtype)),
        ("window", x.window.rows(places), expected.window.rows(places), 0),
        ("memory", x.memory.rows(places), expected.memory.rows(places), bound(dtype)),
      ])
  }

  /// Many steps without waiting between them: each has to see what the one before it wrote.
  private static func steps(_ dtype: DType, _ tally: inout Tally) {
    for rows in [1, 40] {
      var one = JetBlockStepCase(rows, 12, 96, 256)
      one.dtype = dtype
      let x = one.inputs(device)
      let expected = x.copy
      var (y, z) = (x.projected, x.projected)
      for _ in 0..<20 { z = FastForm.disabled { expected.run() } }
      for _ in 0..<20 { y = x.run() }
      tally.compare("jetBlockStep \(one), 20 steps", results(x, y, expected: expected, z))
    }
  }

  /// A slot that the pool has not gives NaN for that row, and changes nothing.
  private static func outside(_ tally: inout Tally) {
    let one = JetBlockStepCase(3, 2, 24, 72)
    var x = one.inputs(device)
    x.slots = Tensor([-1, 2, Int32(one.slots)] as [Int32], shape: [3]).to(device)
    let before = x.copy
    let y = x.run()
    let isFinite = y.array(of: Float.self).map(\.isFinite)
    let width = y.dim(1)
    let isRight = isFinite.indices.allSatisfy { isFinite[$0] == ($0 / width == 1) }
    tally.record(isRight, "jetBlockStep gives NaN for a slot outside the pool, and for no other")
    let others = Tensor(
      (0..<one.slots).filter { $0 != 2 }, shape: [one.slots - 1]
    ).to(device)
    tally.compare(
      "jetBlockStep with slots outside the pool",
      [
        ("window", x.window.rows(others), before.window.rows(others), 0),
        ("memory", x.memory.rows(others), before.memory.rows(others), 0),
      ])
  }
}
