import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Attention step")
struct AttentionStepTests {
  @Test(
    "the step is the residual and the attention of its norm, and fills one entry of the cache",
    arguments: AttentionStepSize.all, dtypes)
  func forms(size: AttentionStepSize, dtype: DType) {
    let inputs = AttentionStepInputs(size, dtype)
    let reference = inputs.defined()
    let bounds = reference.map { _ in Bound.step.relative(dtype) }
    expectFast(bounds, inputs.tensors, near: reference) { inputs.step($0) }
  }

  @Test("no entry of the cache but the token's own is written", arguments: dtypes)
  func untouched(dtype: DType) {
    let size = AttentionStepSize(counts: [9, 30], heads: 4, keyHeads: 2, headWidth: 24)
    let inputs = AttentionStepInputs(size, dtype)
    withoutGradients {
      let results = inputs.step(inputs.tensors)
      for (row, count) in size.counts.enumerated() {
        for (cache, result) in [(inputs.tensors[4], 1 + row), (inputs.tensors[5], 3 + row)] {
          for entry in (0..<count) where entry != inputs.slots[row] {
            let before = cache.select(row, dim: 0).select(entry, dim: 1).values
            #expect(results[result].select(entry, dim: 1).values == before)
          }
        }
      }
    }
  }

  @Test("wrong shapes, types and places are errors that name operation and shapes")
  func misuse() {
    let size = AttentionStepSize(counts: [9, 30], heads: 4, keyHeads: 2, headWidth: 8)
    let good = AttentionStepInputs(size, .float32).tensors
    func run(
      _ index: Int, _ other: Tensor, heads: Int = 4, slots: Tensor = Tensor([8, 3]),
      counts: Tensor = Tensor([9, 30]), angleWidth: Int = 8
    ) -> Tensor {
      var x = good
      x[index] = other
      let angles = RotaryAngles(
        positions: [[8], [29]], headWidth: angleWidth,
        configuration: RotaryConfiguration(theta: 1e4))
      return Steps.attention(
        x[0], norm: x[1], eps: 1e-6, projection: x[2], bias: x[6], queryNorm: x[7],
        keyNorm: x[8], angles: angles, keys: x[4], values: x[5], slots: slots, counts: counts,
        output: x[3], heads: heads, scale: 1)
    }
    let name = "layers_step"
    expectFailure(name, "matrix", "[2, 1, 40]") { run(0, Tensor.zeros([2, 1, 40])) }
    expectFailure(name, "norm", "[39]") { run(1, Tensor.zeros([39])) }
    expectFailure(name, "qkv", "[63, 40]") { run(2, Tensor.zeros([63, 40])) }
    expectFailure(name, "output", "[40, 31]") { run(3, Tensor.zeros([40, 31])) }
    expectFailure(name, "keys", "[2, 2, 8]") { run(4, Tensor.zeros([2, 2, 8])) }
    expectFailure(name, "keys", "[3, 2, 32, 8]") { run(4, Tensor.zeros([3, 2, 32, 8])) }
    expectFailure(name, "values", "31") { run(5, Tensor.zeros([2, 2, 31, 8])) }
    expectFailure(name, "values", "strides") {
      run(5, Tensor.zeros([2, 2, 8, 32]).transposed(2, 3))
    }
    expectFailure(name, "values") { run(5, Tensor.zeros([2, 2, 32, 8], dtype: .bfloat16)) }
    expectFailure(name, "qkv_bias", "[63]") { run(6, Tensor.zeros([63])) }
    expectFailure(name, "q_norm", "[7]") { run(7, Tensor.zeros([7])) }
    expectFailure(name, "k_norm", "[7]") { run(8, Tensor.zeros([7])) }
    expectFailure(name, "3 query heads over 2") { run(0, good[0], heads: 3) }
    expectFailure(name, "cos", "[2, 1, 6]") { run(0, good[0], angleWidth: 6) }
    expectFailure(name, "slots", "[1]") { run(0, good[0], slots: Tensor([8])) }
    expectFailure(name, "counts") { run(0, good[0], counts: Tensor([9, 30] as [Int32])) }
    expectFailure(name, "slot 9 and count 9") { run(0, good[0], slots: Tensor([9, 3])) }
    expectFailure(name, "slot -1") { run(0, good[0], slots: Tensor([8, -1])) }
    expectFailure(name, "count 33", "32") { run(0, good[0], counts: Tensor([9, 33])) }
  }
}
