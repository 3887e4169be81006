import JetKernels
import JetTensor

/// Sizes and options of one matrix product of a decode step.
struct LinearStepCase: CustomStringConvertible {
  var count: Int
  var width: Int
  var features: Int
  var dtype: DType
  var isGated = false
  /// Bits: norm, activation, bias, residual.
  var options = 0
  /// Columns of NaN before the input, and half as many after it.
  var margin = 0

  var isNormed: Bool { options & 1 != 0 }
  var isActivated: Bool { options & 2 != 0 }
  var hasBias: Bool { options & 4 != 0 }
  var hasResidual: Bool { options & 8 != 0 }

  var description: String { "\(count)/\(options)\(margin > 0 ? "+\(margin)" : "")" }
}

/// Random inputs of such a product, on the GPU.
struct LinearStepInputs {
  let one: LinearStepCase
  let x: Tensor
  let weight: Tensor
  let bias: Tensor?
  let norm: Tensor?
  let residual: Tensor?

  init(_ one: LinearStepCase) {
    let device = Device.cuda(0)
    let generator = Generator(seed: 5, device: device)
    func random(_ shape: [Int]) -> Tensor { Tensor.randomNormal(shape, generator: generator) }
    func cut(_ columns: Int) -> Tensor {
      let whole = random([one.count, columns]).to(one.dtype)
      guard one.margin > 0 else { return whole }
      let wide = Tensor.full(
        [one.count, columns + one.margin + (one.margin + 1) / 2], .nan, dtype: one.dtype,
        device: device)
      let view = wide.slice(one.margin..<one.margin + columns, dim: 1)
      view.assign(whole)
      return view
    }
    let rows = one.isGated ? 2 * one.features : one.features
    self.one = one
    x = cut(one.width)
    weight = (random([rows, one.width]) * (1 / Double(one.width).squareRoot())).to(one.dtype)
    bias = one.hasBias ? random([rows]).to(one.dtype) : nil
    norm = one.isNormed ? (random([one.width]) * 0.2 + 1).to(one.dtype) : nil
    residual = one.hasResidual ? cut(one.features) : nil
  }

  private init(_ other: LinearStepInputs, x: Tensor, residual: Tensor?) {
    one = other.one
    self.x = x
    weight = other.weight
    bias = other.bias
    norm = other.norm
    self.residual = residual
  }

  /// The same for some of the sequences.
  func rows(_ range: Range<Int>) -> LinearStepInputs {
    LinearStepInputs(self, x: x.slice(range, dim: 0), residual: residual?.slice(range, dim: 0))
  }

  /// What is checked, of these inputs or of another input.
  func result(of other: Tensor? = nil) -> Tensor {
    linearStep(
      other ?? x, weight: weight, bias: bias, norm: norm.map { ($0, 1e-6) },
      activatesInput: one.isActivated, gatesOutput: one.isGated, residual: residual)
  }

  /// The same in float64, rounded to the type after each step.
  func reference() -> Tensor {
    func rounded(_ x: Tensor) -> Tensor {
      one.dtype == .bfloat16 ? x.to(.bfloat16).to(.float64) : x
    }
    var y = x.to(.float64)
    if let norm {
      y = rounded(y * rsqrt((y * y).mean([-1], keepDims: true) + 1e-6) * norm.to(.float64))
    }
    if one.isActivated { y = rounded(silu(y)) }
    y = rounded(linear(y, weight.to(.float64), bias?.to(.float64)))
    if one.isGated {
      let halves = y.split([one.features, one.features], dim: -1)
      y = rounded(silu(halves[0]) * halves[1])
    }
    if let residual { y = rounded(y + residual.to(.float64)) }
    return y
  }
}
