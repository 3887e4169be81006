import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// Sequences, model width and vocabulary.
private let sizes: [[Int]] =
  sequenceCounts.map { [$0, 40, 300] } + [
    [1, 1, 1], [2, 2, 2], [1, 63, 65], [3, 65, 63], [5, 24, 1000], [1, 1000, 64],
  ]

@Suite("Head step")
struct HeadStepTests {
  @Test("the step gives the logits of the norm, or of what it gets", arguments: sizes, dtypes)
  func forms(size: [Int], dtype: DType) {
    let numbers = Numbers(dtype)
    let x = [
      numbers.parameter([size[0], size[1]]), numbers.aroundOne([size[1]]),
      numbers.weight(size[2], size[1]),
    ]
    let normed = rmsNormDefinition(x[0].float32, weight: x[1], eps: 1e-6)
    expectFast([Bound.step.relative(dtype)], x, near: [wideLinear(normed, x[2])]) {
      [Steps.head($0[0], norm: $0[1], eps: 1e-6, weight: $0[2])]
    }
    // Without a norm nothing is rounded to bfloat16.
    expectFast([Bound.step.relative(.float32)], x, near: [wideLinear(x[0], x[2])]) {
      [Steps.head($0[0], norm: nil, eps: 1e-6, weight: $0[2])]
    }
  }

  @Test("wrong shapes and types are errors that name operation and shapes")
  func misuse() {
    let x = Tensor.zeros([2, 8])
    expectFailure("head_step", "weight", "[5, 7]") {
      Steps.head(x, norm: nil, eps: 1e-6, weight: Tensor.zeros([5, 7]))
    }
    expectFailure("head_step", "norm", "[9]") {
      Steps.head(x, norm: Tensor.zeros([9]), eps: 1e-6, weight: Tensor.zeros([5, 8]))
    }
    expectFailure("head_step", "weight", "[5, 8]") {
      Steps.head(x.to(.bfloat16), norm: nil, eps: 1e-6, weight: Tensor.zeros([5, 8]))
    }
    expectFailure("head_step", "Double") {
      Steps.head(x.to(.float64), norm: nil, eps: 1e-6, weight: Tensor.zeros([5, 8]))
    }
  }

  @Test("steps apply to few sequences of one type, without gradients or with fast forms enabled")
  func applies() {
    let x = Tensor.zeros([1, 8])
    #expect(Steps.apply(to: x, weight: x, sequences: Steps.maximumSequences))
    #expect(!Steps.apply(to: x, weight: x, sequences: Steps.maximumSequences + 1))
    #expect(!Steps.apply(to: x, weight: x.to(.bfloat16), sequences: 1))
    #expect(!Steps.apply(to: x.to(.float64), weight: x.to(.float64), sequences: 1))
    #expect(!FastForm.disabled { Steps.apply(to: x, weight: x, sequences: 1) })
    let leaf = Tensor.zeros([1, 8]).requiringGradient()
    #expect(!Steps.apply(to: x, weight: leaf, sequences: 1))
    #expect(withoutGradients { Steps.apply(to: x, weight: leaf, sequences: 1) })
  }
}
