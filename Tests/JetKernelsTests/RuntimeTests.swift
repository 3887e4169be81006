import JetTensor
import Testing

@testable import JetKernels

@Suite("Handles, threads and instruction sets", .serialized)
struct RuntimeTests {
  private let delta = DeltaRuleSize(tokens: 3, keyWidth: 16, valueWidth: 24)

  /// Each operation once, on small inputs.
  private func everyOperation() {
    let numbers = Numbers()
    let x = numbers.normal([2, 16])
    let norm = numbers.aroundOne([16])
    _ = rmsNorm(x, weight: norm, eps: 1e-6)
    _ = addingRMSNorm(x, x, weight: norm, eps: 1e-6)
    _ = gatedRMSNorm(x, gate: x, weight: norm, eps: 1e-6)
    _ = swiGLU(x)
    let angles = RotaryAngles(
      positions: [[0, 1]], headWidth: 4, configuration: RotaryConfiguration(theta: 1e4))
    _ = rotary(numbers.normal([1, 2, 3, 4]), angles)
    var window = numbers.normal([1, 8, 4])
    let tokens = numbers.normal([1, 2, 8])
    _ = dynamicConvolution(tokens, kernels: numbers.normal([1, 2, 32]), window: &window)
    _ = shortConvolution(tokens, weight: numbers.normal([8, 4]), window: &window)
    for form in DeltaRuleForm.allCases where form != .stepKernel {
      _ = form(delta.inputs(numbers))
    }
    let heads = numbers.normal([1, 2, 3, 8])
    for layout in [KeyLayout.same, .after(past: 2)] {
      let keys = numbers.normal([1, 1, layout.isSame ? 3 : 5, 8])
      _ = attention(query: heads, key: keys, value: keys, layout: layout, scale: 1)
    }
    _ = Steps.mlp(
      x, norm: norm, eps: 1e-6, gateAndUp: numbers.weight(6, 16), down: numbers.weight(16, 3))
    _ = Steps.head(x, norm: norm, eps: 1e-6, weight: numbers.weight(5, 16))
    _ = try? withTorchErrors { rmsNorm(x, weight: Tensor.zeros([3]), eps: 1e-6) }
  }

  /// The count is of the whole process, where other tests come and go: it is looked at until a stretch of calls ends
  /// with fewer handles more than calls, which no stretch would if each call lost one.
  @Test("no handle outlives the operations, failed ones included")
  func handles() {
    let rounds = 200
    let isKept = (0..<10).contains { _ in
      withoutGradients {
        let before = Runtime.liveTensorCount
        for _ in 0..<rounds { everyOperation() }
        return Runtime.liveTensorCount - before < rounds
      }
    }
    #expect(isKept)
  }

  @Test("any number of threads gives what one gives", arguments: dtypes)
  func threads(dtype: DType) throws {
    let before = Runtime.threadCount
    defer { try? Runtime.setThreadCount(before) }
    let size = AttentionStepSize(tokens: [9, 700, 30], heads: 4, keyHeads: 2, headWidth: 24)
    let step = AttentionStepInputs(size, dtype)
    let rule = DeltaRuleSize(batch: 1, tokens: 70, heads: 1, keyWidth: 24, valueWidth: 200)
    let x = rule.inputs(Numbers(dtype))
    let norms = Numbers(dtype).normal([7, 40])
    let one = Numbers(dtype).parameter([1, 40])
    let (up, down) = (Numbers(dtype).weight(144, 40), Numbers(dtype).weight(40, 72))
    func results() -> [Tensor] {
      let first = DeltaRuleForm.stepKernel(tokens(0..<1, of: x))
      return step.step(step.tensors) + DeltaRuleForm.chunkedKernel(x) + first + [
        swiGLU(norms), Steps.head(one, norm: nil, eps: 1e-6, weight: up),
        Steps.mlp(one, norm: Tensor.ones([40]), eps: 1e-6, gateAndUp: up, down: down),
      ]
    }
    try withoutGradients {
      try Runtime.setThreadCount(1)
      let reference = results()
      for count in [2, 3, 5, 8] {
        try Runtime.setThreadCount(count)
        for (i, result) in results().enumerated() {
          expectNear(
            result, near: reference[i], Bound.step.relative(dtype), "result \(i), \(count) threads"
          )
        }
      }
    }
  }

  @Test("a set is forced for a while and for one thread; an unknown one runs nothing")
  func sets() throws {
    let usual = try #require(FastForm.instructionSet)
    #expect(instructionSets.contains("portable") && instructionSets.contains(usual))
    for set in instructionSets {
      #expect(FastForm.withInstructionSet(set) { FastForm.instructionSet } == set)
    }
    #expect(FastForm.withInstructionSet("avx1024") { true } == nil)
    #expect(FastForm.instructionSet == usual)
  }
}

extension KeyLayout {
  fileprivate var isSame: Bool { if case .same = self { true } else { false } }
}
