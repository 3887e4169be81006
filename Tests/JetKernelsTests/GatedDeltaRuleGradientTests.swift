import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Gradients of the gated delta rule")
struct GatedDeltaRuleGradientTests {
  private static let names = ["query", "key", "value", "writeStrength", "logDecay", "memory"]

  private func gradients(_ form: DeltaRuleForm, _ x: [Tensor], normalizes: Bool) -> [Tensor?] {
    let leaves = x.map { $0.clone().requiringGradient() }
    let outputs = form(leaves, normalizes: normalizes)
    let numbers = Numbers(seed: 3)
    return JetTensor.gradients(
      of: outputs, by: leaves, seeds: outputs.map { numbers.plain($0.shape) })
  }

  @Test(
    // A unit row of one channel has no gradient but rounding errors, so widths begin at two.
    "chunks have the gradients of token by token, by every input",
    arguments: DeltaRuleSize.all.filter { $0.tokens <= 200 && $0.keyWidth > 1 })
  func chunked(size: DeltaRuleSize) throws {
    let x = size.inputs(Numbers())
    let expected = gradients(.definition, x, normalizes: size.normalizes)
    for form in [DeltaRuleForm.chunkedInSwift, .entry] {
      let found = gradients(form, x, normalizes: size.normalizes)
      for (i, name) in Self.names.enumerated() {
        expectNear(
          try #require(found[i]), near: try #require(expected[i]), Bound.gradients,
          "\(name) by \(form)")
      }
    }
  }

  @Test("gradients are the differences of the definition", arguments: [true, false])
  func differences(normalizes: Bool) {
    let size = DeltaRuleSize(
      batch: 1, tokens: 4, heads: 2, keyWidth: 3, valueWidth: 2, normalizes: normalizes)
    let x = size.inputs(Numbers())
    for form in [DeltaRuleForm.definition, .entry] {
      expectGradients(
        at: x, of: { form($0, normalizes: normalizes) },
        definition: { DeltaRuleForm.definition($0, normalizes: normalizes) })
    }
  }

  @Test("gradients of the decay gates are their differences")
  func gates() {
    func run(_ x: [Tensor]) -> [Tensor] {
      let gates = decayGates(decay: x[0], write: x[1], logRate: x[2], stepBias: x[3])
      return [gates.writeStrength, gates.logDecay]
    }
    let numbers = Numbers()
    let x = [
      numbers.normal([2, 3]), numbers.normal([2, 3]), numbers.normal([3]), numbers.normal([3]),
    ]
    expectGradients(at: x, of: run, definition: run)
  }
}
