import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// Sequences, width of the input, features of the result.
private let sizes: [[Int]] = [
  [1, 1, 1], [2, 3, 2], [3, 40, 63], [5, 65, 7], [8, 24, 129], [17, 64, 30],
]

@Suite("Linear step")
struct LinearStepTests {
  @Test("all that is asked for is done in its order", arguments: Way.all(sizes))
  func options(way: Way<[Int]>) {
    let (count, width, features) = (way.size[0], way.size[1], way.size[2])
    for isGated in [false, true] {
      let numbers = Numbers(way)
      let rows = isGated ? 2 * features : features
      let x = numbers.normal([count, width])
      let weight = numbers.weight(rows, width)
      let bias = numbers.parameter([rows])
      let norm = numbers.aroundOne([width]).contiguous()
      let residual = numbers.normal([count, features])
      for options in 0..<16 {
        let isNormed = options & 1 != 0
        let isActivated = options & 2 != 0
        let hasBias = options & 4 != 0
        let hasResidual = options & 8 != 0
        // In float32, rounded after each step.
        func rounded(_ x: Tensor) -> Tensor { x.to(way.dtype).float32 }
        var expected = x.float32
        if isNormed { expected = rounded(rmsNormDefinition(expected, weight: norm, eps: 1e-5)) }
        if isActivated { expected = rounded(silu(expected)) }
        expected = rounded(wideLinear(expected, weight, hasBias ? bias : nil))
        if isGated { expected = rounded(swiGLUDefinition(expected)) }
        if hasResidual { expected = expected + residual.float32 }
        let found = linearStep(
          x, weight: weight, bias: hasBias ? bias : nil, norm: isNormed ? (norm, 1e-5) : nil,
          activatesInput: isActivated, gatesOutput: isGated, residual: hasResidual ? residual : nil)
        #expect(found.dtype == way.dtype)
        expectNear(
          found, near: expected, Bound.step.relative(way.dtype),
          "gated \(isGated), options \(options)")
      }
    }
  }

  @Test("a download from the CPU is a copy that is there at once")
  func download() {
    let x = Tensor([1, 2, 3] as [Float])
    let pending = x.startDownload()
    x.fill(0)
    #expect(pending.wait().values == [1, 2, 3])
    #expect(pending.wait().values == [1, 2, 3])
  }

  @Test("a graph without our CUDA kernels is an error")
  func graphs() {
    guard !CUDAKernels.isLoaded else { return }
    #expect(throws: TorchError.self) { try CUDAGraph(on: .cuda(0)) {} }
  }
}
