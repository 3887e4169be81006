import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("SwiGLU")
struct SwiGLUTests {
  /// The last dimension is twice the width of the result.
  private static let shapes: [[Int]] = [
    [2], [1, 4], [2, 126], [63, 128], [64, 130], [1000, 2], [3, 2000], [2, 3, 48], [2, 2, 3, 80],
    [2, 1, 2, 3, 192],
  ]

  @Test("the kernel gives what the definition gives", arguments: Way.all(shapes))
  func forms(way: Way<[Int]>) {
    let x = Numbers(way).normal(way.size, deviation: 3)
    let reference = swiGLUDefinition(x.float32)
    expectFast([Bound.pass.relative(way.dtype)], [x], near: [reference]) { [swiGLU($0[0])] }
  }

  @Test("gates far from zero close and open all the way")
  func extremes() {
    let x = Tensor([-1e4, -100, 0, 100, 1e4, 2, 2, 2, 2, 2] as [Float])
    let expected = Tensor([0, 0, 0, 200, 2e4] as [Float])
    expectFast([Bound.pass.relative(.float32)], [x], near: [expected]) { [swiGLU($0[0])] }
  }

  @Test("gradients are the differences of the definition")
  func gradients() {
    expectGradients(
      at: [Numbers().normal([2, 8])], of: { [swiGLU($0[0])] },
      definition: { [swiGLUDefinition($0[0])] })
  }

  @Test("an odd width is an error that names operation and shape")
  func misuse() {
    expectFailure("swiglu", "[2, 7]") { swiGLU(Tensor.zeros([2, 7])) }
    expectFailure("swiglu", "Int") { Kernels.swiGLU(.tensor(Tensor.zeros([2, 8], dtype: .int32))) }
  }
}
