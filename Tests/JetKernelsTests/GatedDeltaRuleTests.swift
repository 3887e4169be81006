import JetKernels
import JetTensor
import JetTestSupport
import Testing

private struct Inputs {
  let query, key, value, writeStrength, logDecay, memory: Tensor

  init(tokens: Int, keyWidth: Int, valueWidth: Int) {
    let generator = Generator(seed: UInt64(tokens * 1000 + keyWidth))
    func normal(_ shape: [Int]) -> Tensor { Tensor.randomNormal(shape, generator: generator) }
    query = normal([2, tokens, 3, keyWidth])
    key = normal([2, tokens, 3, keyWidth])
    value = normal([2, tokens, 3, valueWidth])
    writeStrength = sigmoid(normal([2, tokens, 3]))
    logDecay = -softplus(normal([2, tokens, 3]) * 3)
    memory = normal([2, 3, keyWidth, valueWidth])
  }
}

@Suite("Gated delta rule")
struct GatedDeltaRuleTests {
  @Test(
    "chunks give what token by token gives",
    arguments: [1, 2, 63, 64, 65, 200], [(16, 24), (48, 40)])
  func chunked(tokens: Int, widths: (Int, Int)) {
    let x = Inputs(tokens: tokens, keyWidth: widths.0, valueWidth: widths.1)
    var (expectedMemory, memory) = (x.memory, x.memory)
    let expected = gatedDeltaRuleDefinition(
      query: x.query, key: x.key, value: x.value, writeStrength: x.writeStrength,
      logDecay: x.logDecay, memory: &expectedMemory, scale: 0.25, normalizes: true)
    let result = gatedDeltaRuleChunked(
      query: x.query, key: x.key, value: x.value, writeStrength: x.writeStrength,
      logDecay: x.logDecay, memory: &memory, scale: 0.25, normalizes: true)
    #expect(relativeError(result, expected) < 1e-4)
    #expect(relativeError(memory, expectedMemory) < 1e-4)
  }
}
