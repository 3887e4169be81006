import Foundation
import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

private func angles(_ positions: [[Int]], width: Int) -> RotaryAngles {
  RotaryAngles(
    positions: positions, headWidth: width, configuration: RotaryConfiguration(theta: 1e4))
}

@Suite("Rotary embedding")
struct RotaryEmbeddingTests {
  @Test(
    "the kernel gives what the definition gives",
    // Tokens, heads and the width of a head.
    arguments: Way.all([
      [1, 1, 2], [2, 3, 16], [63, 2, 126], [64, 1, 128], [65, 4, 130], [1000, 2, 24], [3, 5, 40],
      [2, 2, 96], [1, 3, 2000],
    ]))
  func forms(way: Way<[Int]>) {
    let (tokens, heads, width) = (way.size[0], way.size[1], way.size[2])
    let x = Numbers(way).normal([2, tokens, heads, width])
    let turn = angles([Array(0..<tokens), Array(7..<tokens + 7)], width: width)
    let reference = rotaryDefinition(x.float32, turn)
    expectFast([Bound.pass.relative(way.dtype)], [x], near: [reference]) { [rotary($0[0], turn)] }
  }

  @Test("heads cut out of a merged projection, and heads before tokens, are turned as they lie")
  func views() {
    let projected = Numbers().normal([2, 5, 4 * 24])
    let turn = angles([Array(0..<5), Array(3..<8)], width: 24)
    let cut = projected.heads(4).split([1, 3], dim: 2)[1]
    // Its last dimension is strided.
    let turned = projected.reshaped([2, 5, 24, 4]).transposed(2, 3)
    for x in [cut, turned] {
      expectFast([Bound.pass.relative(.float32)], [x], near: [rotaryDefinition(x, turn)]) {
        [rotary($0[0], turn)]
      }
      withoutGradients {
        expectNear(
          rotary(x, turn), near: rotaryDefinition(x, turn), Bound.pass.relative(.float32))
      }
    }
  }

  @Test("pair i of position p is turned by p · theta^(−2i/D)")
  func rotation() {
    let x = Tensor([1, 0, 0, 1] as [Float], shape: [1, 1, 1, 4])
    let y = withoutGradients { rotary(x, angles([[3]], width: 4)) }
    let slow = 3 * 0.01
    let expected = [cos(3.0), -sin(slow), sin(3.0), cos(slow)].map(Float.init)
    expectNear(y, near: Tensor(expected, shape: [1, 1, 1, 4]), Bound.pass.relative(.float32))
  }

  @Test("position 0 leaves a head bit for bit as it is, and products depend on distances alone")
  func invariants() {
    withoutGradients {
      let (a, b) = (Numbers().normal([1, 1, 1, 64]), Numbers(seed: 2).normal([1, 1, 1, 64]))
      #expect(rotary(a, angles([[0]], width: 64)).values == a.values)
      func product(_ p: Int, _ q: Int) -> Tensor {
        (rotary(a, angles([[p]], width: 64)) * rotary(b, angles([[q]], width: 64))).sum()
      }
      // Float32 angles of positions near 1000 are known to 6e-5 radians.
      #expect(largestDifference(product(1000, 993), product(7, 0)) < 1e-3)
    }
  }

  @Test("gradients are the differences of the definition")
  func gradients() {
    let turn = angles([[4, 5]], width: 6)
    expectGradients(
      at: [Numbers().normal([1, 2, 2, 6])], of: { [rotary($0[0], turn)] },
      definition: { [rotaryDefinition($0[0], turn)] })
  }

  @Test("other shapes than those of the angles are errors that name operation and shapes")
  func misuse() {
    let turn = angles([[0, 1]], width: 8)
    expectFailure("rotary", "cos", "[1, 2, 8]", "[1, 3, 8]") {
      rotary(Tensor.zeros([1, 3, 2, 8]), turn)
    }
    expectFailure("rotary", "[2, 2, 2, 8]") { rotary(Tensor.zeros([2, 2, 2, 8]), turn) }
    expectFailure("rotary", "[1, 2, 2, 7]") { rotary(Tensor.zeros([1, 2, 2, 7]), turn) }
    expectFailure("rotary", "[1, 2, 8]") { rotary(Tensor.zeros([1, 2, 8]), turn) }
  }
}
