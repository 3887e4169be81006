import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// The sizes of one step on pools.
struct PooledJetBlockSize: Sendable, CustomStringConvertible {
  let rows: Int
  let heads: Int
  let keyWidth: Int
  let valueWidth: Int
  var inner = 5
  var taps = 4

  var slots: Int { rows + 3 }
  var channels: Int { heads * valueWidth }
  var columns: Int { 2 * heads * keyWidth + 2 * channels + inner + 2 * heads }

  var description: String {
    "\(rows) rows, \(heads) heads of \(keyWidth)×\(valueWidth), \(taps) taps, inner \(inner)"
  }

  static let all = [
    PooledJetBlockSize(rows: 1, heads: 1, keyWidth: 1, valueWidth: 1, inner: 0),
    PooledJetBlockSize(rows: 3, heads: 2, keyWidth: 24, valueWidth: 40),
    PooledJetBlockSize(rows: 7, heads: 3, keyWidth: 16, valueWidth: 17, taps: 3),
    PooledJetBlockSize(rows: 2, heads: 2, keyWidth: 63, valueWidth: 65, taps: 1),
    PooledJetBlockSize(rows: 2, heads: 1, keyWidth: 96, valueWidth: 256),
  ]
}

@Suite("JetBlock step on pools")
struct PooledJetBlockStepTests {
  /// Projected, taps, rate, step bias, norm, window and memory.
  private func inputs(_ size: PooledJetBlockSize, _ dtype: DType) -> [Tensor] {
    let numbers = Numbers(dtype)
    return [
      numbers.parameter([size.rows, size.columns]),
      numbers.parameter([size.rows, size.channels * size.taps]),
      numbers.plain([size.heads]), numbers.plain([size.heads]),
      numbers.aroundOne([size.valueWidth]),
      numbers.parameter([size.slots, size.channels, size.taps]),
      numbers.plain([size.slots, size.heads, size.keyWidth, size.valueWidth]),
    ]
  }

  /// Slots in no order, the first of which and two more nobody has.
  private func places(_ rows: Int) -> [Int32] {
    let even = stride(from: Int32(2), through: Int32(rows + 1), by: 2)
    let odd = stride(from: Int32(1), through: Int32(rows), by: 2)
    return Array(even.reversed() + odd).prefix(rows).reversed()
  }

  private func step(_ x: [Tensor], window: Tensor, memory: Tensor, slots: [Int32]) -> Tensor {
    jetBlockStep(
      projected: x[0], taps: x[1], logRate: x[2], stepBias: x[3], norm: x[4], eps: 1e-5,
      window: window, memory: memory, slots: Tensor(slots, shape: [slots.count]))
  }

  /// Output, window and memory of one sequence as a mixer's whole form makes them of one token.
  private func alone(
    _ x: [Tensor], row: Int, window: Tensor, memory: Tensor, _ size: PooledJetBlockSize
  ) -> [Tensor] {
    let (heads, keys) = (size.heads, size.heads * size.keyWidth)
    let parts = x[0].slice(row..<row + 1, dim: 0).unsqueezed(1)
      .split([keys, keys, size.channels, size.channels, size.inner, heads, heads], dim: -1)
    var (carriedWindow, carriedMemory) = (window.clone(), memory.clone())
    let v = dynamicConvolution(
      parts[2].contiguous(), kernels: x[1].slice(row..<row + 1, dim: 0).unsqueezed(1),
      window: &carriedWindow)
    let gates = decayGates(decay: parts[5], write: parts[6], logRate: x[2], stepBias: x[3])
    let mixed = gatedDeltaRule(
      query: silu(parts[0]).heads(heads), key: silu(parts[1]).heads(heads), value: v.heads(heads),
      writeStrength: gates.writeStrength, logDecay: gates.logDecay, memory: &carriedMemory,
      scale: 1 / Double(size.keyWidth).squareRoot())
    let gated = gatedRMSNorm(mixed, gate: parts[3].heads(heads), weight: x[4], eps: 1e-5)
    return [gated.mergedHeads.squeezed(1), carriedWindow, carriedMemory]
  }

  @Test(
    "each row is its own sequence's step, in whatever slot, and other slots keep what they had",
    arguments: PooledJetBlockSize.all, dtypes)
  func rows(size: PooledJetBlockSize, dtype: DType) {
    withoutGradients {
      let x = inputs(size, dtype)
      let slots = places(size.rows)
      #expect(Set(slots).count == size.rows)
      let (window, memory) = (x[5].clone(), x[6].clone())
      let y = step(x, window: window, memory: memory, slots: slots)
      #expect(y.dtype == dtype && y.shape == [size.rows, size.channels])
      func slot(_ pool: Tensor, _ slot: Int) -> Tensor { pool.slice(slot..<slot + 1, dim: 0) }
      for (row, place) in slots.enumerated() {
        let expected = alone(
          x, row: row, window: slot(x[5], Int(place)), memory: slot(x[6], Int(place)), size)
        let found = [
          y.slice(row..<row + 1, dim: 0), slot(window, Int(place)), slot(memory, Int(place)),
        ]
        let bounds = [Bound.step.relative(dtype), 0, Bound.step.relative(dtype)]
        for (i, bound) in bounds.enumerated() {
          expectNear(found[i], near: expected[i], bound, "result \(i) of row \(row)")
        }
      }
      for other in 0..<size.slots where !slots.contains(Int32(other)) {
        #expect(slot(window, other).values == slot(x[5], other).values)
        #expect(slot(memory, other).values == slot(x[6], other).values)
      }
    }
  }

  @Test("a memory of bfloat16 holds the rounded states, and the outputs are of the unrounded ones")
  func narrowMemory() {
    withoutGradients {
      let size = PooledJetBlockSize.all[1]
      let x = inputs(size, .float32)
      let slots = places(size.rows)
      let narrow = x[6].to(.bfloat16)
      let (window, memory) = (x[5].clone(), narrow.clone())
      let y = step(x, window: window, memory: memory, slots: slots)
      let wide = narrow.float32.clone()
      let expected = step(x, window: x[5].clone(), memory: wide, slots: slots)
      #expect(memory.dtype == .bfloat16 && memory.values == wide.to(.bfloat16).values)
      #expect(y.values == expected.values)
    }
  }

  @Test("rows that share the scratch slot do not disturb the others")
  func scratch() {
    withoutGradients {
      let size = PooledJetBlockSize(rows: 4, heads: 2, keyWidth: 8, valueWidth: 12)
      let x = inputs(size, .float32)
      let (window, memory) = (x[5].clone(), x[6].clone())
      let y = step(x, window: window, memory: memory, slots: [0, 3, 0, 0])
      let expected = alone(
        x, row: 1, window: x[5].slice(3..<4, dim: 0), memory: x[6].slice(3..<4, dim: 0), size)
      let bound = Bound.step.relative(.float32)
      expectNear(y.slice(1..<2, dim: 0), near: expected[0], bound)
      expectNear(memory.slice(3..<4, dim: 0), near: expected[2], bound)
      #expect(memory.slice(4..<7, dim: 0).values == x[6].slice(4..<7, dim: 0).values)
    }
  }
}
