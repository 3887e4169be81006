import JetTensor
import Testing

/// How the tensors of a test lie in memory.
enum Layout: CaseIterable, Sendable {
  /// By themselves, row after row.
  case whole
  /// Cut out of the middle of wider tensors of NaN: strided, at an odd address, and reading beside it shows.
  case cut

  /// A copy of `x` that lies so.
  func laid(_ x: Tensor) -> Tensor {
    if self == .whole { return x.clone() }
    let wide = Tensor.full(x.shape.map { $0 + 3 }, .nan, dtype: x.dtype)
    let view = x.shape.enumerated().reduce(wide) { view, side in
      view.slice(1..<1 + side.element, dim: side.offset)
    }
    view.assign(x)
    return view
  }
}

/// One row of a table of cases: sizes, the type of the numbers, and how they lie.
struct Way<Size: Sendable>: Sendable, CustomTestStringConvertible {
  let size: Size
  let dtype: DType
  let layout: Layout

  /// Each of `sizes` in each type and layout.
  static func all(_ sizes: [Size]) -> [Way] {
    sizes.flatMap { size in
      [DType.float32, .bfloat16].flatMap { dtype in
        Layout.allCases.map { Way(size: size, dtype: dtype, layout: $0) }
      }
    }
  }

  var testDescription: String { "\(size), \(dtype), \(layout)" }
}

/// Random inputs of a test, the same in every run.
struct Numbers {
  let dtype: DType
  let layout: Layout
  private let generator: Generator

  init(_ dtype: DType = .float32, _ layout: Layout = .whole, seed: UInt64 = 1) {
    self.dtype = dtype
    self.layout = layout
    generator = Generator(seed: seed)
  }

  init<Size>(_ way: Way<Size>) { self.init(way.dtype, way.layout) }

  /// Normally distributed numbers of mean 0, in the test's type and layout.
  func normal(_ shape: [Int], deviation: Double = 1) -> Tensor { laid(plain(shape) * deviation) }

  /// The same around 1, as the weights of norms are.
  func aroundOne(_ shape: [Int]) -> Tensor { laid(plain(shape) * 0.2 + 1) }

  /// The same, row after row in memory whatever the layout is: for what is a parameter of a model.
  func parameter(_ shape: [Int], deviation: Double = 1) -> Tensor {
    (plain(shape) * deviation).to(dtype)
  }

  /// Float32 numbers of mean 0, row after row.
  func plain(_ shape: [Int]) -> Tensor { Tensor.randomNormal(shape, generator: generator) }

  /// `x` in the test's type and layout.
  func laid(_ x: Tensor) -> Tensor { layout.laid(x.to(dtype)) }
}

extension Tensor {
  /// All elements as float32, for bitwise comparison.
  var values: [Float] { array(of: Float.self) }
}
