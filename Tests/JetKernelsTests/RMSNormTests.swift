import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

private let eps = 1e-6

/// Widths of the last dimension under several leading ones, and ranks from 1 to 5.
private let shapes: [[Int]] = [
  [1], [2, 2], [63, 1], [5, 63], [2, 3, 64], [3, 65, 65], [1000, 24], [2, 2, 3, 40], [3, 1000],
  [2, 1, 2, 3, 96],
]

@Suite("RMS norm")
struct RMSNormTests {
  @Test("the kernel gives what the definition gives", arguments: Way.all(shapes))
  func rmsNorms(way: Way<[Int]>) {
    let numbers = Numbers(way)
    let x = [numbers.normal(way.size), numbers.aroundOne([way.size.last ?? 1])]
    let reference = rmsNormDefinition(x[0].float32, weight: x[1], eps: eps)
    expectFast([Bound.pass.relative(way.dtype)], x, near: [reference]) {
      [rmsNorm($0[0], weight: $0[1], eps: eps)]
    }
  }

  @Test("weights may be float32 beside bfloat16 numbers, and bfloat16 beside float32")
  func mixedTypes() {
    let x = Numbers().normal([7, 65])
    let weight = Numbers().aroundOne([65]).to(.bfloat16)
    expectFast(
      [Bound.pass.relative(.float32)], [x, weight],
      near: [
        rmsNormDefinition(x, weight: weight, eps: eps)
      ]
    ) { [rmsNorm($0[0], weight: $0[1], eps: eps)] }
    let half = x.to(.bfloat16)
    expectFast(
      [Bound.pass.relative(.bfloat16)], [half, weight.float32],
      near: [
        rmsNormDefinition(half.float32, weight: weight, eps: eps)
      ]
    ) { [rmsNorm($0[0], weight: $0[1], eps: eps)] }
  }

  @Test("rows of zeros stay zero, and huge and tiny rows come to length one a channel")
  func extremes() {
    let x = Tensor([0, 0, 0, 1e15, -1e15, 1e15, 1e-2, 1e-2, -1e-2] as [Float], shape: [3, 3])
    let expected = Tensor([0, 0, 0, 1, -1, 1, 1, 1, -1] as [Float], shape: [3, 3])
    expectFast([Bound.pass.relative(.float32)], [x], near: [expected]) {
      [rmsNorm($0[0], weight: Tensor.ones([3]), eps: 1e-12)]
    }
  }

  @Test("a weight of every other number of a vector is taken by the definition")
  func stridedWeight() {
    let numbers = Numbers()
    let (x, weight) = (numbers.normal([3, 40]), numbers.normal([80]).strided(by: 2, dim: 0))
    let expected = rmsNormDefinition(x, weight: weight, eps: eps)
    #expect(rmsNorm(x, weight: weight, eps: eps).values == expected.values)
    let sum = addingRMSNorm(x, x, weight: weight, eps: eps).normalized
    expectNear(sum, near: rmsNormDefinition(x + x, weight: weight, eps: eps), 0)
    let gated = gatedRMSNorm(x, gate: x, weight: weight, eps: eps)
    expectNear(gated, near: gatedRMSNormDefinition(x, gate: x, weight: weight, eps: eps), 0)
  }

  @Test("sum and norm of a residual are those of two operations", arguments: Way.all(shapes))
  func adds(way: Way<[Int]>) {
    let numbers = Numbers(way)
    let x = [
      numbers.normal(way.size), numbers.normal(way.size), numbers.aroundOne([way.size.last ?? 1]),
    ]
    let sum = x[0].float32 + x[1].float32
    let reference = rmsNormDefinition(sum, weight: x[2], eps: eps)
    let bounds = [Bound.pass, .roundedPass].map { $0.relative(way.dtype) }
    expectFast(bounds, x, near: [sum, reference]) {
      let both = addingRMSNorm($0[0], $0[1], weight: $0[2], eps: eps)
      return [both.residual, both.normalized]
    }
    withoutGradients {
      let fast = addingRMSNorm(x[0], x[1], weight: x[2], eps: eps).residual
      #expect(fast.values == (x[0] + x[1]).values, "the sum is rounded as an addition is")
    }
  }

  @Test("the gated norm gives what its definition gives", arguments: Way.all(shapes))
  func gated(way: Way<[Int]>) {
    let numbers = Numbers(way)
    let x = [
      numbers.normal(way.size), numbers.normal(way.size, deviation: 3),
      numbers.aroundOne([way.size.last ?? 1]),
    ]
    let reference = gatedRMSNormDefinition(
      x[0].float32, gate: x[1].float32, weight: x[2], eps: eps)
    expectFast([Bound.pass.relative(way.dtype)], x, near: [reference]) {
      [gatedRMSNorm($0[0], gate: $0[1], weight: $0[2], eps: eps)]
    }
  }

  @Test("a gate of another type is taken by the definition, whose result has the gate's type")
  func gateType() {
    let numbers = Numbers()
    let (x, gate) = (numbers.normal([3, 40]), numbers.normal([3, 40]).to(.bfloat16))
    let y = gatedRMSNorm(x, gate: gate, weight: Tensor.ones([40]), eps: eps)
    #expect(y.dtype == .bfloat16)
    let other = addingRMSNorm(gate, x, weight: Tensor.ones([40]), eps: eps)
    #expect(other.residual.dtype == .float32)
  }

  @Test("gradients are the differences of the definition")
  func gradients() {
    let numbers = Numbers()
    let x = [numbers.normal([2, 5]), numbers.normal([2, 5]), numbers.aroundOne([5])]
    expectGradients(
      at: [x[0], x[2]], of: { [rmsNorm($0[0], weight: $0[1], eps: 0.1)] },
      definition: { [rmsNormDefinition($0[0], weight: $0[1], eps: 0.1)] })
    expectGradients(
      at: x,
      of: {
        let both = addingRMSNorm($0[0], $0[1], weight: $0[2], eps: 0.1)
        return [both.residual, both.normalized]
      },
      definition: { [$0[0] + $0[1], rmsNormDefinition($0[0] + $0[1], weight: $0[2], eps: 0.1)] })
    expectGradients(
      at: x, of: { [gatedRMSNorm($0[0], gate: $0[1], weight: $0[2], eps: 0.1)] },
      definition: { [gatedRMSNormDefinition($0[0], gate: $0[1], weight: $0[2], eps: 0.1)] })
    expectGradients(at: [x[0]], of: { [unitRows($0[0])] }, definition: { [unitRows($0[0])] })
  }

  @Test("wrong shapes are errors that name operation and shapes")
  func misuse() {
    let x = Tensor.zeros([2, 8])
    expectFailure("rms_norm", "[2, 8]", "weight", "[7]") {
      rmsNorm(x, weight: Tensor.zeros([7]), eps: eps)
    }
    expectFailure("rms_norm", "[]") {
      rmsNorm(Tensor(scalar: Float(1)), weight: Tensor.zeros([1]), eps: eps)
    }
    expectFailure("add_rms_norm", "residual", "[2, 7]", "[2, 8]") {
      addingRMSNorm(Tensor.zeros([2, 7]), x, weight: Tensor.zeros([8]), eps: eps).normalized
    }
    expectFailure("gated_rms_norm", "gate", "[8]", "[2, 8]") {
      gatedRMSNorm(x, gate: Tensor.zeros([8]), weight: Tensor.zeros([8]), eps: eps)
    }
    expectFailure("rms_norm", "Long") {
      Kernels.rmsNorm(.tensor(x.to(.int64)), .tensor(Tensor.zeros([8])), .double(eps))
    }
  }
}
