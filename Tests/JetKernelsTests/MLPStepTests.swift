import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// Sequences, model width and inner width.
private let sizes: [[Int]] =
  sequenceCounts.map { [$0, 40, 72] } + [
    [1, 1, 1], [2, 2, 3], [1, 63, 65], [2, 65, 63], [5, 64, 1000], [6, 1000, 64], [1, 96, 130],
  ]

@Suite("MLP step")
struct MLPStepTests {
  private func inputs(_ size: [Int], _ numbers: Numbers) -> [Tensor] {
    [
      numbers.parameter([size[0], size[1]]), numbers.aroundOne([size[1]]).contiguous(),
      numbers.weight(2 * size[2], size[1]), numbers.weight(size[1], size[2]),
    ]
  }

  private func fast(_ x: [Tensor]) -> Tensor {
    Steps.mlp(x[0], norm: x[1], eps: 1e-6, gateAndUp: x[2], down: x[3])
  }

  @Test("the step is the residual and the MLP of its norm", arguments: sizes, dtypes)
  func forms(size: [Int], dtype: DType) {
    let x = inputs(size, Numbers(dtype))
    let normed = rmsNormDefinition(x[0].float32, weight: x[1], eps: 1e-6)
    let inner = swiGLUDefinition(wideLinear(normed, x[2]))
    let reference = x[0].float32 + wideLinear(inner, x[3])
    expectFast([Bound.step.relative(dtype)], x, near: [reference]) { [fast($0)] }
  }

  @Test("wrong shapes and types are errors that name operation and shapes")
  func misuse() {
    func run(_ index: Int, _ other: Tensor) -> Tensor {
      var x = inputs([2, 8, 12], Numbers())
      x[index] = other
      return fast(x)
    }
    expectFailure("layers_step", "[8]", "matrix") { run(0, Tensor.zeros([8])) }
    expectFailure("layers_step", "x", "[0, 8]") { run(0, Tensor.zeros([0, 8])) }
    expectFailure("layers_step", "norm", "[7]") { run(1, Tensor.zeros([7])) }
    expectFailure("layers_step", "gate_up", "[23, 8]") { run(2, Tensor.zeros([23, 8])) }
    expectFailure("layers_step", "down", "[9, 12]") { run(3, Tensor.zeros([9, 12])) }
    expectFailure("layers_step", "down") { run(3, Tensor.zeros([8, 12], dtype: .bfloat16)) }
    expectFailure("layers_step", "not contiguous") {
      run(3, Tensor.zeros([12, 8]).transposed(0, 1))
    }
  }
}
