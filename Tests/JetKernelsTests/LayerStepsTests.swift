import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Layer steps")
struct LayerStepsTests {
  private struct MLPs {
    let x: Tensor
    let layers: [[Tensor]]

    init(count: Int, sequences: Int, dtype: DType) {
      let numbers = Numbers(dtype)
      x = numbers.parameter([sequences, 40])
      layers = (0..<count).map { _ in
        [numbers.aroundOne([40]).contiguous(), numbers.weight(144, 40), numbers.weight(40, 72)]
      }
    }
  }

  @Test(
    "a chain is its links one after the other, bit for bit", arguments: [1, 2, 3, 6], dtypes)
  func chains(count: Int, dtype: DType) {
    for sequences in [1, 3, 17] {
      let input = MLPs(count: count, sequences: sequences, dtype: dtype)
      var (steps, expected) = (LayerSteps(), input.x)
      for layer in input.layers {
        steps.appendMLP(norm: layer[0], eps: 1e-6, gateAndUp: layer[1], down: layer[2])
        expected = Steps.mlp(
          expected, norm: layer[0], eps: 1e-6, gateAndUp: layer[1], down: layer[2])
      }
      let before = input.x.array(of: Float.self)
      #expect(steps(input.x).array(of: Float.self) == expected.array(of: Float.self))
      #expect(input.x.array(of: Float.self) == before)
    }
  }

  @Test("no links leave the input as it is")
  func empty() {
    let x = Tensor([1, 2, 3] as [Float], shape: [1, 3])
    #expect(LayerSteps()(x).array(of: Float.self) == [1, 2, 3])
  }
}
