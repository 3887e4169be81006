import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// The operation has one form; what it is compared with is the dynamic convolution's definition with one kernel.
@Suite("Short convolution")
struct ShortConvolutionTests {
  private func reference(_ x: Tensor, _ weight: Tensor, _ window: Tensor) -> Tensor {
    let (batch, tokens) = (x.dim(0), x.dim(1))
    let kernels = weight.float32.reshaped([1, 1, weight.count]).expanded([batch, tokens, -1])
    return dynamicConvolutionDefinition(x.float32, kernels: kernels, window: window.float32)
  }

  @Test(
    "it is the dynamic convolution whose tokens all bring the same kernel",
    arguments: Way.all(ConvolutionSize.all))
  func forms(way: Way<ConvolutionSize>) {
    let (size, numbers) = (way.size, Numbers(way))
    let x = numbers.normal([size.batch, size.tokens, size.channels])
    let weight = numbers.normal([size.channels, size.taps])
    let past = numbers.normal([size.batch, size.channels, size.taps])
    let expected = reference(x, weight, past)
    for first in Set([0, 1, size.tokens / 2, size.tokens - 1]) {
      var window = past
      let cuts = first == 0 ? [0..<size.tokens] : [0..<first, first..<size.tokens]
      let parts = cuts.filter { !$0.isEmpty }.map {
        shortConvolution(x.slice($0, dim: 1), weight: weight, window: &window)
      }
      let y = Tensor.concatenate(parts, dim: 1)
      expectNear(y, near: expected, Bound.pass.relative(way.dtype), "cut at \(first)")
      #expect(window.values == shiftedWindowDefinition(past, x, counts: nil).values)
    }
  }

  @Test("padded tokens do not enter the window, and have outputs like any other")
  func padded() {
    let numbers = Numbers()
    let (x, weight) = (numbers.normal([3, 5, 6]), numbers.normal([6, 4]))
    let past = numbers.normal([3, 6, 4])
    var window = past
    let y = shortConvolution(x, weight: weight, window: &window, counts: [5, 2, 0])
    expectNear(y, near: reference(x, weight, past), Bound.pass.relative(.float32))
    #expect(window.select(2, dim: 0).values == past.select(2, dim: 0).values)
    var alone = past.slice(1..<2, dim: 0)
    let own = x.slice(1..<2, dim: 0).slice(0..<2, dim: 1)
    _ = shortConvolution(own, weight: weight, window: &alone)
    #expect(window.select(1, dim: 0).values == alone.values)
  }

  @Test("the last tap meets the token itself")
  func taps() {
    var window = Tensor([4, 5, 6] as [Float], shape: [1, 1, 3])
    let y = shortConvolution(
      Tensor([2, 3] as [Float], shape: [1, 2, 1]),
      weight: Tensor([100, 10, 1] as [Float], shape: [1, 3]), window: &window)
    let expected = Tensor([562, 623] as [Float], shape: [1, 2, 1])
    expectNear(y, near: expected, Bound.pass.relative(.float32))
    #expect(window.values == [6, 2, 3])
  }

  @Test("gradients are the differences of the definition")
  func gradients() {
    let numbers = Numbers()
    func run(_ x: [Tensor]) -> [Tensor] {
      var window = x[2]
      return [shortConvolution(x[0], weight: x[1], window: &window), window]
    }
    let x = [numbers.normal([2, 3, 3]), numbers.normal([3, 2]), numbers.normal([2, 3, 2])]
    expectGradients(at: x, of: run, definition: run)
  }

  @Test("wrong shapes are errors that name shapes")
  func misuse() {
    expectFailure("[1, 2, 3]", "[1, 4, 4]") {
      var window = Tensor.zeros([1, 4, 4])
      return shortConvolution(
        Tensor.zeros([1, 2, 3]), weight: Tensor.zeros([3, 4]), window: &window)
    }
  }
}
