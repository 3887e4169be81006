import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Gated delta rule")
struct GatedDeltaRuleTests {
  /// Outputs are rounded to the type of the value; the memory stays in float32.
  private func bounds(_ dtype: DType) -> [Double] {
    [Bound.recurrence.relative(dtype), Bound.recurrence.relative(.float32)]
  }

  private func reference(_ x: [Tensor], normalizes: Bool = true) -> [Tensor] {
    DeltaRuleForm.definition(x.map(\.float32), normalizes: normalizes)
  }

  @Test("every form gives what token by token gives", arguments: Way.all(DeltaRuleSize.all))
  func forms(way: Way<DeltaRuleSize>) {
    let x = way.size.inputs(Numbers(way))
    let expected = reference(x, normalizes: way.size.normalizes)
    var fast: [DeltaRuleForm] = [.chunkedKernel, .entry]
    if way.size.tokens == 1 { fast.append(.stepKernel) }
    for form in fast {
      expectFast(bounds(way.dtype), x, near: expected) {
        form($0, normalizes: way.size.normalizes, layout: way.layout)
      }
    }
    let swift = DeltaRuleForm.chunkedInSwift(x, normalizes: way.size.normalizes)
    for (i, bound) in bounds(way.dtype).enumerated() {
      expectNear(swift[i], near: expected[i], bound, "chunked in Swift, result \(i)")
    }
  }

  @Test(
    "pieces give what one call gives",
    arguments: Way.all(DeltaRuleSize.all.filter { $0.tokens > 1 && $0.tokens < 100 }))
  func pieces(way: Way<DeltaRuleSize>) {
    let (x, length) = (way.size.inputs(Numbers(way)), way.size.tokens)
    let expected = reference(x, normalizes: way.size.normalizes)
    for form in DeltaRuleForm.allCases where form != .stepKernel {
      for cut in Set([1, length / 2, length - 1]) {
        expectFast(bounds(way.dtype), x, near: expected) { x in
          let first = form(tokens(0..<cut, of: x), normalizes: way.size.normalizes)
          let rest = tokens(cut..<length, of: x).prefix(5) + [first[1]]
          let second = form(Array(rest), normalizes: way.size.normalizes)
          return [Tensor.concatenate([first[0], second[0]], dim: 1), second[1]]
        }
      }
    }
  }

  @Test("token by token through the step kernel gives what one call gives")
  func steps() {
    let size = DeltaRuleSize(tokens: 130, keyWidth: 24, valueWidth: 40)
    let x = size.inputs(Numbers())
    expectFast(bounds(.float32), x, near: reference(x)) { x in
      var memory = x[5]
      let parts = (0..<size.tokens).map { t in
        let results = DeltaRuleForm.stepKernel(tokens(t..<t + 1, of: x).prefix(5) + [memory])
        memory = results[1]
        return results[0]
      }
      return [Tensor.concatenate(parts, dim: 1), memory]
    }
  }

  @Test("decays from none to complete are followed", arguments: [0.0, 0.01, 30, 300])
  func decays(strength: Double) {
    let size = DeltaRuleSize(tokens: 130, keyWidth: 24, valueWidth: 40)
    var x = size.inputs(Numbers())
    x[4] = -abs(Numbers(seed: 5).plain([2, 130, 3])) * strength
    let expected = reference(x)
    for form in DeltaRuleForm.allCases where form != .stepKernel {
      expectFast(bounds(.float32), x, near: expected) { form($0) }
    }
  }

  @Test(
    "what is written after tokens that forget nearly all decays as it should", arguments: [1, 30])
  func suddenDecay(forgetting: Int) {
    // Sums of log decays are then large, and the small decays of later tokens are differences of them.
    let size = DeltaRuleSize(tokens: 64, keyWidth: 24, valueWidth: 40)
    var x = size.inputs(Numbers())
    let gentle = -abs(Numbers(seed: 5).plain([2, 64, 3])) * 0.05
    let sudden = Tensor.range(0, to: 64).reshaped([1, 64, 1]) .< Double(forgetting)
    x[4] = gentle.masked(sudden, with: -1000)
    let expected = reference(x)
    for form in DeltaRuleForm.allCases where form != .stepKernel {
      expectFast(bounds(.float32), x, near: expected) { form($0) }
    }
  }

  @Test("padded tokens leave the memory bit for bit, whatever their keys and values are")
  func padded() {
    let size = DeltaRuleSize(tokens: 70, keyWidth: 24, valueWidth: 40)
    let x = size.inputs(Numbers())
    // Sequence 0 is whole, sequence 1 has 3 tokens; padding neither writes nor decays.
    let counts = Tensor([70, 3], shape: [2, 1, 1])
    let padding = Tensor.range(0, to: 70).reshaped([1, 70, 1]) .>= counts
    var finite = x
    finite[3] = x[3].masked(padding, with: 0)
    finite[4] = x[4].masked(padding, with: 0)
    for form in DeltaRuleForm.allCases where form != .stepKernel {
      expectFast(bounds(.float32), finite, near: reference(finite)) { form($0) }
    }
    var wild = finite
    for i in 1...2 { wild[i] = x[i].masked(padding.unsqueezed(-1), with: .nan) }
    withoutGradients {
      let alone = DeltaRuleForm.chunkedKernel(
        tokens(0..<3, of: finite).map { $0.slice(1..<2, dim: 0) })
      let together = DeltaRuleForm.chunkedKernel(wild)
      #expect(together[1].select(1, dim: 0).values == alone[1].select(0, dim: 0).values)
      #expect(together[0].isFinite)
      let only = tokens(69..<70, of: wild).map { $0.slice(1..<2, dim: 0) }
      for form in [DeltaRuleForm.chunkedKernel, .stepKernel, .entry] {
        let results = form(only)
        #expect(results[1].values == only[5].values, "\(form)")
        #expect(results[0].isFinite, "\(form)")
      }
    }
  }

  @Test("queries and keys pass silu first where that is asked for", arguments: [1, 5, 70])
  func activation(tokens: Int) {
    for dtype in [DType.float32, .bfloat16] {
      let size = DeltaRuleSize(tokens: tokens, keyWidth: 24, valueWidth: 40)
      let x = size.inputs(Numbers(dtype))
      func run(_ x: [Tensor], activates: Bool) -> [Tensor] {
        var memory = x[5].requiresGradient ? x[5] : x[5].clone()
        let y = gatedDeltaRule(
          query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4],
          memory: &memory, scale: 0.2, activates: activates)
        return [y, memory]
      }
      func before(_ x: [Tensor]) -> [Tensor] { x.prefix(2).map(silu) + x.suffix(4) }
      let (found, expected) = (run(x, activates: true), run(before(x), activates: false))
      for (result, reference) in zip(found, expected) {
        #expect(result.values == reference.values)
      }
      let inOperator = withoutGradients {
        Kernels.gatedDeltaRuleChunked(
          .tensor(x[0]), .tensor(x[1]), .tensor(x[2]), .tensor(x[3].float32),
          .tensor(x[4].float32), .tensor(x[5].clone()), .double(1 / 24.0.squareRoot()), .bool(true),
          .bool(true))
      }
      let ahead = withoutGradients { DeltaRuleForm.chunkedKernel(before(x))[0] }
      #expect(inOperator.values == ahead.values)
      func gradients(_ form: ([Tensor]) -> [Tensor]) -> [[Float]] {
        let leaves = x.map { $0.detached().requiringGradient() }
        let seeds = expected.map { Tensor.ones($0.shape, dtype: $0.dtype) }
        return JetTensor.gradients(of: form(leaves), by: leaves, seeds: seeds).map {
          $0?.values ?? []
        }
      }
      #expect(
        gradients { run($0, activates: true) } == gradients { run(before($0), activates: false) })
    }
  }

  @Test("the memory is written in place by the kernels, and kept where the entry falls back")
  func inPlace() {
    withoutGradients {
      for tokens in [1, 3] {
        for (width, isInPlace) in [(16, true), (256, true), (257, false)] {
          let size = DeltaRuleSize(tokens: tokens, keyWidth: width, valueWidth: 24)
          let x = size.inputs(Numbers())
          let before = x[5].values
          var memory = x[5]
          _ = gatedDeltaRule(
            query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4],
            memory: &memory, scale: 1)
          #expect((x[5].values != before) == isInPlace, "\(size)")
          #expect(memory.values != before)
        }
      }
    }
  }

  @Test(
    "what the kernels do not take falls back: wide heads, mixed types, strided last dimensions",
    arguments: [1, 5])
  func fallback(tokens: Int) {
    for (keyWidth, valueWidth) in [(264, 16), (16, 300)] {
      let size = DeltaRuleSize(
        batch: 1, tokens: tokens, heads: 2, keyWidth: keyWidth, valueWidth: valueWidth)
      let x = size.inputs(Numbers())
      expectFast(bounds(.float32), x, near: reference(x)) { DeltaRuleForm.entry($0) }
    }
    let size = DeltaRuleSize(tokens: tokens, keyWidth: 24, valueWidth: 40)
    var mixed = size.inputs(Numbers())
    mixed[2] = mixed[2].to(.bfloat16)
    expectFast(bounds(.bfloat16), mixed, near: reference(mixed)) { DeltaRuleForm.entry($0) }
    var strided = size.inputs(Numbers())
    strided[1] = strided[1].transposed(2, 3).contiguous().transposed(2, 3)
    expectFast(bounds(.float32), strided, near: reference(strided)) { DeltaRuleForm.entry($0) }
  }

  @Test("with fast forms disabled the entry takes the definition, bit for bit")
  func disabled() {
    let x = DeltaRuleSize(tokens: 7, keyWidth: 24, valueWidth: 40).inputs(Numbers())
    let results = FastForm.disabled { DeltaRuleForm.entry(x) }
    for (result, expected) in zip(results, reference(x)) {
      #expect(result.values == expected.values)
    }
  }

  @Test("decay gates are the sigmoid and −e^A softplus(a + bias), in float32", arguments: [1, 65])
  func gates(tokens: Int) {
    let numbers = Numbers(.bfloat16, .cut)
    let (decay, write) = (numbers.normal([2, tokens, 3]), numbers.normal([2, tokens, 3]))
    let (rate, bias) = (numbers.normal([3]), numbers.normal([3]))
    let gates = decayGates(decay: decay, write: write, logRate: rate, stepBias: bias)
    #expect(gates.writeStrength.dtype == .float32 && gates.logDecay.dtype == .float32)
    let bound = Bound.pass.relative(.float32)
    expectNear(gates.writeStrength, near: Tensor.ones([]) / (exp(-write.float32) + 1), bound)
    let expected = exp(rate.float32) * log(exp(decay.float32 + bias.float32) + 1) * -1
    expectNear(gates.logDecay, near: expected, bound)
  }

  @Test("wrong shapes and types are errors that name operation and shapes", arguments: [1, 4])
  func misuse(tokens: Int) {
    let size = DeltaRuleSize(tokens: tokens, keyWidth: 16, valueWidth: 24)
    let name = tokens == 1 ? "gated_delta_rule_step" : "gated_delta_rule_chunked"
    func run(_ index: Int, _ other: Tensor) -> Tensor {
      var x = size.inputs(Numbers())
      x[index] = other
      return DeltaRuleForm.entry(x)[0]
    }
    expectFailure(name, "key", "[2, \(tokens), 3, 15]") {
      run(1, Tensor.zeros([2, tokens, 3, 15]))
    }
    expectFailure(name, "value", "[2, \(tokens), 2, 24]") {
      run(2, Tensor.zeros([2, tokens, 2, 24]))
    }
    expectFailure(name, "write_strength", "[2, \(tokens), 2]") {
      run(3, Tensor.zeros([2, tokens, 2]))
    }
    expectFailure(name, "log_decay", "[3]") { run(4, Tensor.zeros([3])) }
    expectFailure(name, "memory", "[2, 3, 24, 16]") { run(5, Tensor.zeros([2, 3, 24, 16])) }
    expectFailure(name, "memory", "[2, 3, 16, 24]", "expected Float") {
      run(5, Tensor.zeros([2, 3, 16, 24], dtype: .bfloat16))
    }
    if tokens > 1 {
      expectFailure("gated_delta_rule_step", "4 tokens") {
        DeltaRuleForm.stepKernel(size.inputs(Numbers()))[0]
      }
    }
  }
}
