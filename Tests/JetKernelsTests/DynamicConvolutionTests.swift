import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// The sizes of one call.
struct ConvolutionSize: Sendable, CustomStringConvertible {
  var batch = 2
  let tokens: Int
  let channels: Int
  let taps: Int

  var description: String { "\(batch)×\(tokens) tokens, \(channels) channels, \(taps) taps" }

  static let all = [
    ConvolutionSize(tokens: 1, channels: 1, taps: 4),
    ConvolutionSize(batch: 3, tokens: 1, channels: 65, taps: 4),
    ConvolutionSize(tokens: 2, channels: 63, taps: 4),
    ConvolutionSize(tokens: 3, channels: 24, taps: 5),
    ConvolutionSize(tokens: 63, channels: 40, taps: 4),
    ConvolutionSize(tokens: 64, channels: 96, taps: 3),
    ConvolutionSize(batch: 1, tokens: 65, channels: 1000, taps: 4),
    ConvolutionSize(tokens: 5, channels: 17, taps: 1),
    ConvolutionSize(tokens: 5, channels: 33, taps: 2),
    ConvolutionSize(batch: 1, tokens: 1000, channels: 64, taps: 4),
  ]
}

@Suite("Dynamic convolution")
struct DynamicConvolutionTests {
  /// Inputs, kernels and window.
  private func inputs(_ way: Way<ConvolutionSize>) -> [Tensor] {
    let (size, numbers) = (way.size, Numbers(way))
    return [
      numbers.normal([size.batch, size.tokens, size.channels]),
      numbers.normal([size.batch, size.tokens, size.channels * size.taps]),
      numbers.normal([size.batch, size.channels, size.taps]),
    ]
  }

  private func defined(_ x: [Tensor], counts: [Int]? = nil) -> [Tensor] {
    let wide = x.map(\.float32)
    return [
      dynamicConvolutionDefinition(wide[0], kernels: wide[1], window: wide[2]),
      shiftedWindowDefinition(wide[2], wide[0], counts: counts),
    ]
  }

  private func fast(_ x: [Tensor], layout: Layout, counts: [Int]? = nil) -> [Tensor] {
    var window = layout.laid(x[2])
    let y = dynamicConvolution(x[0], kernels: x[1], window: &window, counts: counts)
    return [y, window]
  }

  private func bounds(_ dtype: DType) -> [Double] { [Bound.pass.relative(dtype), 0] }

  @Test("the kernel gives what the definition gives", arguments: Way.all(ConvolutionSize.all))
  func forms(way: Way<ConvolutionSize>) {
    let x = inputs(way)
    expectFast(bounds(way.dtype), x, near: defined(x)) { fast($0, layout: way.layout) }
  }

  @Test(
    "two calls give what one gives",
    arguments: Way.all(ConvolutionSize.all.filter { $0.tokens > 1 }))
  func split(way: Way<ConvolutionSize>) {
    let x = inputs(way)
    for first in Set([1, way.size.tokens / 2, way.size.tokens - 1]) {
      expectFast(bounds(way.dtype), x, near: defined(x)) { x in
        var window = way.layout.laid(x[2])
        let parts = [0..<first, first..<way.size.tokens].map { part in
          dynamicConvolution(
            x[0].slice(part, dim: 1), kernels: x[1].slice(part, dim: 1), window: &window)
        }
        return [Tensor.concatenate(parts, dim: 1), window]
      }
    }
  }

  @Test(
    "padded tokens get the definition's outputs and do not enter the window",
    arguments: Way.all(ConvolutionSize.all.filter { $0.batch == 2 }))
  func padded(way: Way<ConvolutionSize>) {
    let (x, counts) = (inputs(way), [way.size.tokens, way.size.tokens / 2])
    let reference = defined(x, counts: counts)
    expectFast(bounds(way.dtype), x, near: reference) {
      fast($0, layout: way.layout, counts: counts)
    }
    // The second sequence alone, without its padding.
    let alone = [
      x[0].slice(1..<2, dim: 0).slice(0..<counts[1], dim: 1),
      x[1].slice(1..<2, dim: 0).slice(0..<counts[1], dim: 1), x[2].slice(1..<2, dim: 0),
    ]
    if counts[1] > 0 {
      #expect(defined(alone)[1].values == reference[1].select(1, dim: 0).values)
    }
  }

  @Test("the window's memory is written in place, and a window of another type is taken too")
  func window() {
    withoutGradients {
      let numbers = Numbers()
      let (x, kernels) = (numbers.normal([1, 3, 8]), numbers.normal([1, 3, 32]))
      let memory = numbers.normal([1, 8, 4])
      let before = memory.clone()
      var window = memory
      let y = dynamicConvolution(x, kernels: kernels, window: &window)
      #expect(memory.values == shiftedWindowDefinition(before, x, counts: nil).values)
      var half = before.to(.bfloat16)
      let other = dynamicConvolution(x, kernels: kernels, window: &half)
      #expect(half.dtype == .bfloat16 && other.dtype == .float32)
      expectNear(other, near: y, Bound.roundedPass.relative(.bfloat16))
    }
  }

  @Test("the last tap meets the token itself, the one before it the newest of the window")
  func taps() {
    let x = Tensor([2, 3] as [Float], shape: [1, 2, 1])
    let kernels = Tensor([1000, 100, 10, 1, 1000, 100, 10, 1] as [Float], shape: [1, 2, 4])
    let window = Tensor([4, 5, 6, 7] as [Float], shape: [1, 1, 4])
    let sums = Tensor([5672, 6723] as [Float], shape: [1, 2, 1])
    expectFast([Bound.pass.relative(.float32)], [x, kernels, window], near: [silu(sums)]) { x in
      [fast(x, layout: .whole)[0]]
    }
  }

  @Test(
    "a generator's kernels are weight · silu(inner) + bias, and padding stays out of the window")
  func generated() {
    withoutGradients {
      // silu(0) = 0, so the first token's kernels are the bias alone; silu(20) is 20 within float32.
      let inner = Tensor([0, 20] as [Float], shape: [1, 2, 1])
      let weight = Tensor([5, 0, 0, -1] as [Float], shape: [4, 1])
      let bias = Tensor([1000, 100, 10, 1] as [Float], shape: [4])
      let x = Tensor([2, 3] as [Float], shape: [1, 2, 1])
      let before = Tensor([4, 5, 6, 7] as [Float], shape: [1, 1, 4])
      let sums = Tensor([5672, 1100 * 6 + 100 * 7 + 10 * 2 - 19 * 3] as [Float], shape: [1, 2, 1])
      for (counts, after) in [(nil, [6, 7, 2, 3]), ([1], [5, 6, 7, 2])] as [([Int]?, [Float])] {
        var window = before.clone()
        let y = generatedConvolution(
          x, inner: inner, weight: weight, bias: bias, window: &window, counts: counts)
        expectNear(y, near: silu(sums), Bound.pass.relative(.float32))
        #expect(window.values.map { Float($0) } == after)
      }
    }
  }

  @Test("gradients are the differences of the definition")
  func gradients() {
    let numbers = Numbers()
    let x = [numbers.normal([2, 3, 3]), numbers.normal([2, 3, 6]), numbers.normal([2, 3, 2])]
    expectGradients(at: x, of: { fast($0, layout: .whole) }, definition: { defined($0) })
  }

  @Test("wrong shapes are errors that name operation and shapes")
  func misuse() {
    func run(_ x: [Int], _ kernels: [Int], _ window: [Int]) -> Tensor {
      var state = Tensor.zeros(window)
      return dynamicConvolution(Tensor.zeros(x), kernels: Tensor.zeros(kernels), window: &state)
    }
    expectFailure("dynamic_convolution", "kernels", "[1, 2, 12]", "[1, 2, 9]") {
      run([1, 2, 3], [1, 2, 9], [1, 3, 4])
    }
    expectFailure("dynamic_convolution", "window", "[2, 3, 4]") {
      run([1, 2, 3], [1, 2, 12], [2, 3, 4])
    }
    expectFailure("dynamic_convolution", "[2, 3]") { run([2, 3], [2, 12], [1, 3, 4]) }
    expectFailure("dynamic_convolution", "[1, 3, 0]") { run([1, 2, 3], [1, 2, 0], [1, 3, 0]) }
  }
}
