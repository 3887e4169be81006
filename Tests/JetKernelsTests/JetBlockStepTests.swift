import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// The sizes of one step of a JetBlock.
struct JetBlockStepSize: Sendable, CustomStringConvertible {
  let sequences: Int
  var width = 40
  let heads: Int
  let keyWidth: Int
  let valueWidth: Int
  var generatorWidth = 32

  var description: String {
    "\(sequences) sequences of width \(width), \(heads) heads of \(keyWidth)×\(valueWidth), "
      + "generator \(generatorWidth)"
  }

  static let all =
    sequenceCounts.map {
      JetBlockStepSize(sequences: $0, heads: 2, keyWidth: 24, valueWidth: 40)
    } + [
      JetBlockStepSize(
        sequences: 1, width: 1, heads: 1, keyWidth: 1, valueWidth: 1, generatorWidth: 1),
      JetBlockStepSize(sequences: 2, heads: 3, keyWidth: 16, valueWidth: 17, generatorWidth: 5),
      JetBlockStepSize(sequences: 1, width: 65, heads: 1, keyWidth: 96, valueWidth: 256),
      JetBlockStepSize(sequences: 2, width: 63, heads: 2, keyWidth: 256, valueWidth: 64),
      JetBlockStepSize(sequences: 1, width: 1000, heads: 5, keyWidth: 63, valueWidth: 65),
    ]
}

@Suite("JetBlock step")
struct JetBlockStepTests {
  /// Input, norm, merged projection, generator, its bias, rate, step bias, windows, memories, output's norm, output.
  private func inputs(_ size: JetBlockStepSize, _ dtype: DType) -> [Tensor] {
    let numbers = Numbers(dtype)
    let (heads, channels) = (size.heads, size.heads * size.valueWidth)
    let rows = 2 * heads * size.keyWidth + 2 * channels + size.generatorWidth + 2 * heads
    return [
      numbers.parameter([size.sequences, size.width]), numbers.aroundOne([size.width]),
      numbers.weight(rows, size.width), numbers.weight(4 * channels, size.generatorWidth),
      numbers.parameter([4 * channels], deviation: 0.5), numbers.plain([heads]),
      numbers.plain([heads]), numbers.parameter([size.sequences, channels, 4]),
      numbers.plain([size.sequences, heads, size.keyWidth, size.valueWidth]),
      numbers.aroundOne([size.valueWidth]), numbers.weight(size.width, channels),
    ]
  }

  /// The slots of the sequences, in no order that means anything, of pools with three more.
  private func slots(_ sequences: Int) -> [Int] {
    var generator = SeededGenerator(seed: 1)
    return Array((0..<sequences + 3).shuffled(using: &generator).prefix(sequences))
  }

  /// A pool with `states` at the slots, and NaN at nobody's.
  private func pool(_ states: Tensor) -> Tensor {
    let own = slots(states.dim(0))
    let pool = Tensor.full([own.count + 3] + states.shape.dropFirst(), .nan, dtype: states.dtype)
    pool.assign(states, at: [Tensor(own)])
    return pool
  }

  private func step(
    _ x: [Tensor], window: Tensor, memory: Tensor, slots: Tensor, heads: Int
  ) -> Tensor {
    Steps.jetBlock(
      x[0], norm: x[1], eps: 1e-6, input: x[2], generator: x[3], generatorBias: x[4],
      logRate: x[5], stepBias: x[6], window: window, memory: memory, slots: slots,
      outputNorm: x[9], outputEps: 1e-5, output: x[10], heads: heads)
  }

  /// Output, windows and memories.
  private func step(_ x: [Tensor], heads: Int) -> [Tensor] {
    let (window, memory, own) = (pool(x[7]), pool(x[8]), slots(x[7].dim(0)))
    let y = step(
      x, window: window, memory: memory, slots: Tensor(own.map(Int32.init)), heads: heads)
    return [y, window.rows(Tensor(own)), memory.rows(Tensor(own))]
  }

  /// The same by the definitions, in float32.
  private func defined(_ inputs: [Tensor], _ size: JetBlockStepSize) -> [Tensor] {
    let x = inputs.map(\.float32)
    let (heads, channels) = (size.heads, size.heads * size.valueWidth)
    let keys = heads * size.keyWidth
    let projected = wideLinear(rmsNormDefinition(x[0], weight: x[1], eps: 1e-6), x[2])
    let parts = projected.unsqueezed(1)
      .split([keys, keys, channels, channels, size.generatorWidth, heads, heads], dim: -1)
    let kernels = wideLinear(silu(parts[4]), x[3], x[4])
    let v = dynamicConvolutionDefinition(parts[2], kernels: kernels, window: x[7])
    let gates = decayGates(decay: parts[5], write: parts[6], logRate: x[5], stepBias: x[6])
    var memory = x[8]
    let mixed = gatedDeltaRuleDefinition(
      query: silu(parts[0]).heads(heads), key: silu(parts[1]).heads(heads), value: v.heads(heads),
      writeStrength: gates.writeStrength, logDecay: gates.logDecay, memory: &memory,
      scale: 1 / Double(size.keyWidth).squareRoot(), normalizes: true)
    let gated = gatedRMSNormDefinition(
      mixed, gate: parts[3].heads(heads), weight: x[9], eps: 1e-5)
    return [
      x[0] + wideLinear(gated.mergedHeads.squeezed(1), x[10]),
      shiftedWindowDefinition(x[7], parts[2], counts: nil), memory,
    ]
  }

  @Test(
    "the step is the residual and the block of its norm, with window and memory moved on",
    arguments: JetBlockStepSize.all, dtypes)
  func forms(size: JetBlockStepSize, dtype: DType) {
    let x = inputs(size, dtype)
    let bounds = Array(repeating: Bound.step.relative(dtype), count: 3)
    expectFast(bounds, x, near: defined(x, size)) { step($0, heads: size.heads) }
  }

  @Test("no slot of a pool but the sequences' own is written", arguments: dtypes)
  func untouched(dtype: DType) {
    let size = JetBlockStepSize(sequences: 5, heads: 2, keyWidth: 8, valueWidth: 24)
    let x = inputs(size, dtype)
    withoutGradients {
      let own = slots(size.sequences)
      let before = [pool(x[7]), pool(x[8])]
      let after = before.map { $0.clone() }
      _ = step(
        x, window: after[0], memory: after[1], slots: Tensor(own.map(Int32.init)), heads: 2)
      for (old, new) in zip(before, after) {
        for slot in 0..<old.dim(0) {
          let bits = [old, new].map { $0.select(slot, dim: 0).values.map(\.bitPattern) }
          #expect((bits[0] != bits[1]) == own.contains(slot), "slot \(slot)")
        }
      }
    }
  }

  @Test("wrong shapes, types and slots are errors that name operation and shapes")
  func misuse() {
    let size = JetBlockStepSize(
      sequences: 2, width: 8, heads: 2, keyWidth: 4, valueWidth: 6, generatorWidth: 3)
    let good = inputs(size, .float32)
    func run(
      _ index: Int, _ shape: [Int], dtype: DType = .float32,
      slots: Tensor = Tensor([1, 0] as [Int32])
    ) -> Tensor {
      var x = good
      x[index] = Tensor.zeros(shape, dtype: dtype)
      return step(x, window: x[7], memory: x[8], slots: slots, heads: 2)
    }
    let name = "layers_step"
    expectFailure(name, "matrix", "[8]") { run(0, [8]) }
    expectFailure(name, "norm", "[7]") { run(1, [7]) }
    expectFailure(name, "input", "[46, 8]") { run(2, [46, 8]) }
    expectFailure(name, "generator", "[47, 3]") { run(3, [47, 3]) }
    expectFailure(name, "generator_bias", "[47]") { run(4, [47]) }
    expectFailure(name, "a_log", "[3]") { run(5, [3]) }
    expectFailure(name, "dt_bias", "[2, 1]") { run(6, [2, 1]) }
    expectFailure(name, "window", "[2, 12, 5]") { run(7, [2, 12, 5]) }
    expectFailure(name, "window", "[2, 12, 4]") { run(7, [2, 12, 4], dtype: .bfloat16) }
    expectFailure(name, "memory", "[2, 3, 4, 6]") { run(8, [2, 3, 4, 6]) }
    expectFailure(name, "memory", "[2, 2, 4, 6]") { run(8, [2, 2, 4, 6], dtype: .bfloat16) }
    expectFailure(name, "output_norm", "[5]") { run(9, [5]) }
    expectFailure(name, "output", "[8, 11]") { run(10, [8, 11]) }
    expectFailure(name, "window", "[3, 12, 4]") { run(7, [3, 12, 4]) }

    func at(_ slots: Int32...) -> Tensor { run(0, [2, 8], slots: Tensor(slots)) }
    expectFailure(name, "slots", "[1]") { at(0) }
    expectFailure(name, "slots") { run(0, [2, 8], slots: Tensor([0, 1])) }
    expectFailure(name, "sequence 1 has slot -1") { at(0, -1) }
    expectFailure(name, "sequence 0 has slot 2", "from 0 to 1") { at(2, 0) }
    expectFailure(name, "sequence 0 has slot 2147483647") { at(.max, 0) }
    expectFailure(name, "two sequences write to slot 1") { at(1, 1) }
  }
}
