import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// A rule and the sizes of one step on a pool.
struct PooledRecurrentSize: Sendable, CustomStringConvertible {
  enum Kind: Sendable, CaseIterable {
    case retention, channelRetention, stateSpace, delta, gatedDelta, generalized
  }

  let kind: Kind
  let rows: Int
  let heads: Int
  let keyHeads: Int
  let keyWidth: Int
  let valueWidth: Int

  var slots: Int { rows + 3 }

  var description: String {
    "\(kind), \(rows) rows, \(keyHeads) for \(heads) heads of \(keyWidth)×\(valueWidth)"
  }

  static let all = Kind.allCases.flatMap { kind in
    [(1, 1, 1, 1, 1), (3, 2, 2, 24, 40), (7, 4, 2, 16, 17), (2, 3, 1, 63, 65), (2, 1, 1, 128, 64)]
      .map {
        PooledRecurrentSize(
          kind: kind, rows: $0.0, heads: $0.1, keyHeads: $0.2, keyWidth: $0.3, valueWidth: $0.4)
      }
  }
}

@Suite("Steps of linear recurrences on pools")
struct PooledRecurrentStepTests {
  /// All that a step takes, and one row of it.
  private struct Inputs {
    var query: Tensor
    var key: Tensor
    var value: Tensor
    /// Log decays or logits, `[N, H]` or `[N, H, K]`.
    var decay: Tensor
    var logRate: Tensor
    var stepBias: Tensor
    var write: Tensor
    var recallKey: Tensor
    var rewriteKey: Tensor
    var memory: Tensor
    let size: PooledRecurrentSize

    init(_ size: PooledRecurrentSize, _ dtype: DType) {
      self.size = size
      let numbers = Numbers(dtype, .cut)
      let (rows, heads, width) = (size.rows, size.heads, size.keyWidth)
      query = numbers.normal([rows, size.keyHeads, width])
      key = numbers.normal([rows, size.keyHeads, width])
      value = numbers.normal([rows, heads, size.valueWidth])
      switch size.kind {
      case .retention: decay = -exp(numbers.plain([rows, heads]) - 2)
      case .channelRetention, .generalized: decay = -exp(numbers.plain([rows, heads, width]) - 2)
      case .stateSpace, .delta, .gatedDelta: decay = numbers.normal([rows, heads])
      }
      (logRate, stepBias) = (numbers.plain([heads]), numbers.plain([heads]))
      write = numbers.normal([rows, heads])
      recallKey = unitRows(numbers.plain([rows, heads, width]))
      rewriteKey = -recallKey * sigmoid(numbers.plain([rows, heads, width]))
      memory = numbers.plain([size.slots, heads, width, size.valueWidth])
    }

    private var rule: RecurrentStepRule {
      let logits = DecayLogits(decay, logRate: logRate, stepBias: stepBias)
      return switch size.kind {
      case .retention, .channelRetention: .retention(logDecay: decay)
      case .stateSpace: .stateSpace(logits)
      case .delta: .delta(write: write, decay: nil)
      case .gatedDelta: .delta(write: write, decay: logits)
      case .generalized:
        .generalized(logDecay: decay, recallKey: recallKey, rewriteKey: rewriteKey)
      }
    }

    func step(_ memory: Tensor, _ slots: [Int32]) -> Tensor {
      recurrentStep(
        query: query, key: key, value: value, rule: rule, scale: 0.3, memory: memory,
        slots: Tensor(slots, shape: [slots.count]))
    }

    /// Read-out and memory of one row, number by number from the equations, in float64.
    func alone(_ row: Int, memory before: Tensor) -> (output: Tensor, memory: Tensor) {
      func numbers(_ x: Tensor, head: Int) -> Tensor {
        x.select(row, dim: 0).select(head, dim: 0).to(.float64)
      }
      var (outputs, memories): ([Tensor], [Tensor]) = ([], [])
      for head in 0..<size.heads {
        let keyHead = head / (size.heads / size.keyHeads)
        var (q, k) = (numbers(query, head: keyHead), numbers(key, head: keyHead))  // [K]
        let v = numbers(value, head: head)  // [V]
        let state = before.select(head, dim: 0).to(.float64)  // [K, V]
        func column(_ x: Tensor) -> Tensor { x.unsqueezed(-1) }
        func ofHead(_ x: Tensor) -> Tensor { x.select(head, dim: 0).to(.float64) }
        let gate = numbers(decay, head: head)
        let step = log(exp(gate + ofHead(stepBias)) + 1)
        let after: Tensor
        switch size.kind {
        case .retention:
          after = state * exp(gate) + column(k) * v
        case .channelRetention:
          after = state * column(exp(gate)) + column(k) * v
        case .stateSpace:
          after = state * exp(-exp(ofHead(logRate)) * step) + column(k) * (v * step)
        case .delta, .gatedDelta:
          func unit(_ x: Tensor) -> Tensor { x / sqrt((x * x).sum() + 1e-6) }
          (q, k) = (unit(q), unit(k))
          let strength = sigmoid(numbers(write, head: head))
          let kept = size.kind == .delta ? state : state * exp(-exp(ofHead(logRate)) * step)
          after = kept + column(k) * (strength * (v - (kept * column(k)).sum([0])))
        case .generalized:
          let recalled = (state * column(numbers(recallKey, head: head))).sum([0])
          after =
            state * column(exp(gate)) + column(numbers(rewriteKey, head: head)) * recalled
            + column(k) * v
        }
        outputs.append((after * column(q)).sum([0]) * 0.3)
        memories.append(after)
      }
      return (Tensor.stack(outputs, dim: 0), Tensor.stack(memories, dim: 0))
    }
  }

  /// Slots in no order, the first of which and two more nobody has.
  private func places(_ rows: Int) -> [Int32] {
    let even = stride(from: Int32(2), through: Int32(rows + 1), by: 2)
    let odd = stride(from: Int32(1), through: Int32(rows), by: 2)
    return Array(even.reversed() + odd).prefix(rows).reversed()
  }

  @Test(
    "each row is its own sequence's step, in whatever slot, and other slots keep what they had",
    arguments: PooledRecurrentSize.all, dtypes)
  func rows(size: PooledRecurrentSize, dtype: DType) {
    withoutGradients {
      let x = Inputs(size, dtype)
      let slots = places(size.rows)
      for isDisabled in [false, true] {
        let memory = x.memory.clone()
        let y =
          isDisabled ? FastForm.disabled { x.step(memory, slots) } : x.step(memory, slots)
        let outputType = size.kind == .stateSpace ? DType.float32 : dtype
        #expect(y.dtype == outputType && y.shape == [size.rows, size.heads, size.valueWidth])
        for (row, place) in slots.enumerated() {
          let expected = x.alone(row, memory: x.memory.select(Int(place), dim: 0))
          expectNear(
            y.select(row, dim: 0), near: expected.output, Bound.recurrence.relative(outputType),
            "output of row \(row)")
          expectNear(
            memory.select(Int(place), dim: 0), near: expected.memory,
            Bound.recurrence.relative(.float32), "memory of row \(row)")
        }
        for other in 0..<size.slots where !slots.contains(Int32(other)) {
          #expect(memory.select(other, dim: 0).values == x.memory.select(other, dim: 0).values)
        }
      }
    }
  }

  @Test(
    "rows that share the scratch slot do not disturb the others",
    arguments: PooledRecurrentSize.Kind.allCases)
  func scratch(kind: PooledRecurrentSize.Kind) {
    withoutGradients {
      let size = PooledRecurrentSize(
        kind: kind, rows: 4, heads: 2, keyHeads: 2, keyWidth: 8, valueWidth: 12)
      let x = Inputs(size, .float32)
      let memory = x.memory.clone()
      let y = x.step(memory, [0, 3, 0, 0])
      let expected = x.alone(1, memory: x.memory.select(3, dim: 0))
      let bound = Bound.recurrence.relative(.float32)
      expectNear(y.select(1, dim: 0), near: expected.output, bound)
      expectNear(memory.select(3, dim: 0), near: expected.memory, bound)
      #expect(memory.slice(4..<7, dim: 0).values == x.memory.slice(4..<7, dim: 0).values)
    }
  }
}

@Suite("Steps of windows on pools")
struct PooledWindowStepTests {
  private let slots: [Int32] = [4, 1, 2]

  private func expectWindows(_ found: Tensor, _ before: Tensor, newest x: Tensor) {
    for slot in 0..<before.dim(0) {
      let old = before.select(slot, dim: 0)
      let row = slots.firstIndex(of: Int32(slot))
      let taps = old.dim(1)
      let expected = row.map {
        Tensor.concatenate([old, x.select($0, dim: 0).unsqueezed(-1)], dim: 1)
          .slice(1..<1 + taps, dim: 1)
      }
      #expect(found.select(slot, dim: 0).values == (expected ?? old).values, "slot \(slot)")
    }
  }

  @Test(
    "the convolution of a row is that of its sequence, and its window moves on", arguments: dtypes,
    [1, 3, 4])
  func convolution(dtype: DType, taps: Int) {
    withoutGradients {
      let numbers = Numbers(dtype, .cut)
      let x = numbers.normal([3, 20])
      let (weight, bias) = (numbers.parameter([20, taps]), numbers.parameter([20]))
      let window = numbers.parameter([6, 20, taps])
      let pool = window.clone()
      let y = convolutionStep(
        x, weight: weight, bias: bias, window: pool, slots: Tensor(slots, shape: [3]))
      for (row, slot) in slots.enumerated() {
        let inputs = Tensor.concatenate(
          [window.select(Int(slot), dim: 0), x.select(row, dim: 0).unsqueezed(-1)], dim: 1
        ).slice(1..<1 + taps, dim: 1).to(.float64)
        let sum = (inputs * weight.to(.float64)).sum([-1]) + bias.to(.float64)
        expectNear(y.select(row, dim: 0), near: silu(sum), Bound.pass.relative(dtype))
      }
      expectWindows(pool, window, newest: x)
    }
  }

  @Test("the token before is what the slot's window held", arguments: dtypes)
  func shift(dtype: DType) {
    withoutGradients {
      let numbers = Numbers(dtype, .cut)
      let x = numbers.normal([3, 20])
      let window = numbers.parameter([6, 20, 1])
      let pool = window.clone()
      let y = tokenShiftStep(x, window: pool, slots: Tensor(slots, shape: [3]))
      let rows = Tensor(slots.map(Int.init), shape: [3])
      #expect(y.values == window.rows(rows).squeezed(-1).values)
      expectWindows(pool, window, newest: x)
    }
  }
}
