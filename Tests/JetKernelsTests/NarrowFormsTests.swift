import JetTensor
import Testing

@testable import JetKernels

/// The forms with products of bfloat16 are built of tensor operations, so the CPU shows what they compute.
@Suite("Chunked forms with products of bfloat16")
struct NarrowFormsTests {
  private struct Inputs {
    let query, key, value, strength, logDecay, memory: Tensor

    init(length: Int, seed: UInt64) {
      let generator = Generator(seed: seed)
      func normal(_ shape: [Int]) -> Tensor {
        Tensor.randomNormal(shape, generator: generator).to(.bfloat16).float32
      }
      let (batch, heads, keyWidth, valueWidth) = (2, 3, 16, 24)
      query = normal([batch, length, heads, keyWidth])
      key = normal([batch, length, heads, keyWidth])
      value = normal([batch, length, heads, valueWidth])
      strength = sigmoid(normal([batch, length, heads]))
      logDecay = -softplus(normal([batch, length, heads]))
      memory = normal([batch, heads, keyWidth, valueWidth])
    }
  }

  /// `‖a − b‖ / ‖b‖`; infinite where an element is no number.
  private func distance(_ a: Tensor, _ b: Tensor) -> Double {
    let (a, b) = (a.to(.float64), b.to(.float64))
    guard a.isFinite, b.isFinite else { return .infinity }
    let difference = a - b
    let parts = (difference * difference).sum() / (b * b).sum()
    return parts.item(as: Double.self).squareRoot()
  }

  @Test("retention agrees with its definition", arguments: [2, 63, 64, 65, 200])
  func retention(length: Int) {
    let inputs = Inputs(length: length, seed: 1)
    var (exact, narrow) = (inputs.memory, inputs.memory)
    let expected = retentionDefinition(
      query: inputs.query, key: inputs.key, value: inputs.value, logDecay: inputs.logDecay,
      memory: &exact, scale: 0.25)
    let found = retentionNarrow(
      query: inputs.query, key: inputs.key, value: inputs.value, logDecay: inputs.logDecay,
      memory: &narrow, scale: 0.25, chunk: Chunks.size(for: length))
    #expect(distance(found, expected) < 0.01)
    #expect(distance(narrow, exact) < 0.01)
  }

  @Test("retention takes decays that never change once", arguments: [64, 128, 100])
  func fixedDecays(length: Int) {
    let inputs = Inputs(length: length, seed: 2)
    let decays = Tensor([Float(-0.03), -0.3, -2]).expanded([2, length, 3])
    var (exact, narrow) = (inputs.memory, inputs.memory)
    let expected = retentionDefinition(
      query: inputs.query, key: inputs.key, value: inputs.value, logDecay: decays, memory: &exact,
      scale: 1)
    let found = retentionNarrow(
      query: inputs.query, key: inputs.key, value: inputs.value, logDecay: decays,
      memory: &narrow, scale: 1)
    #expect(distance(found, expected) < 0.01)
    #expect(distance(narrow, exact) < 0.01)
  }

  @Test("the gated delta rule agrees with its definition", arguments: [2, 63, 64, 65, 200])
  func gatedDeltaRule(length: Int) {
    let inputs = Inputs(length: length, seed: 3)
    var (exact, narrow) = (inputs.memory, inputs.memory)
    let expected = gatedDeltaRuleDefinition(
      query: inputs.query, key: inputs.key, value: inputs.value, writeStrength: inputs.strength,
      logDecay: inputs.logDecay, memory: &exact, scale: 0.25, normalizes: true)
    let found = gatedDeltaRuleNarrow(
      query: inputs.query, key: inputs.key, value: inputs.value, writeStrength: inputs.strength,
      logDecay: inputs.logDecay, memory: &narrow, scale: 0.25, normalizes: true,
      chunk: Chunks.size(for: length))
    #expect(distance(found, expected) < 0.015)
    #expect(distance(narrow, exact) < 0.015)
  }

  @Test("the gated delta rule's gradients agree with those of the form in float32")
  func gradientsOfGatedDeltaRule() {
    let inputs = Inputs(length: 130, seed: 4)
    let leaves = [inputs.query, inputs.key, inputs.value, inputs.strength, inputs.logDecay]
      .map { $0.clone().requiringGradient() }
    func found(isNarrow: Bool) -> [Tensor?] {
      var memory = inputs.memory
      let form = isNarrow ? gatedDeltaRuleNarrow : gatedDeltaRuleChunked
      let y = form(
        leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], &memory, 0.25, true, 64)
      return gradients(of: [(y * inputs.value).sum()], by: leaves)
    }
    for (narrow, exact) in zip(found(isNarrow: true), found(isNarrow: false)) {
      guard let narrow, let exact else {
        Issue.record("a gradient is missing")
        return
      }
      #expect(distance(narrow, exact) < 0.03)
    }
  }

  @Test("the memories of all chunks at once are those of one after another")
  func memories() {
    let inputs = Inputs(length: 5, seed: 5)
    let generator = Generator(seed: 6)
    let written = Tensor.randomNormal([2, 3, 7, 16, 24], generator: generator)
    let decay = -softplus(Tensor.randomNormal([2, 3, 7], generator: generator)).to(.float64)
    var (one, all) = (inputs.memory, inputs.memory)
    let expected = Chunks.memories(
      decay: exp(decay.float32).unsqueezed(-1).unsqueezed(-1), written: written, memory: &one)
    let found = Chunks.memoriesAtOnce(logDecay: decay, written: written, memory: &all)
    #expect(distance(found, expected) < 1e-5)
    #expect(distance(all, one) < 1e-5)
  }
}
