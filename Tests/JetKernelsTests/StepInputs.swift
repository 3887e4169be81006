import JetTensor

@testable import JetKernels

/// The types that the kernels take.
let dtypes: [DType] = [.float32, .bfloat16]

/// Numbers of sequences: one row at a time up to 4, blocks up to 16, then a second pass.
let sequenceCounts = [1, 2, 3, 4, 5, 7, 13, 16, 17, 33]

extension Numbers {
  /// A weight `[rows, columns]` that keeps the size of what it multiplies, cut out of a taller one that is NaN.
  func weight(_ rows: Int, _ columns: Int) -> Tensor {
    let tall = Tensor.full([rows + 2, columns], .nan, dtype: dtype)
    let view = tall.slice(1..<1 + rows, dim: 0)
    view.assign(plain([rows, columns]) * (1 / Double(columns).squareRoot()))
    return view
  }
}

/// `x W ᵀ + b` in float32.
func wideLinear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
  linear(x.float32, weight.float32, bias?.float32)
}
