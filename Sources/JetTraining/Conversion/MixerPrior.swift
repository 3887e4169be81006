import Foundation
import JetTensor

/// First values of parameters that a teacher's attention has nothing for.
enum MixerPrior {
  /// Kernels that pass the token itself, `[…, taps]`.
  static func lastTap(_ shape: [Int]) -> Tensor {
    let kernel = Tensor.zeros(shape)
    let taps = shape[shape.count - 1]
    kernel.slice(taps - 1..<taps, dim: -1).fill(1)
    return kernel
  }

  /// How many tokens each head keeps: from 8 to 2,048, spread evenly in logarithm.
  static func keptTokens(heads: Int) -> [Double] {
    let (low, high) = (log(8.0), log(2048.0))
    return (0..<heads).map { head in
      exp(low + (high - low) * (heads == 1 ? 0.5 : Double(head) / Double(heads - 1)))
    }
  }

  /// `softplus⁻¹(1/n)` with `n` the tokens that a head keeps at rate 1.
  static func stepBias(count: Int) -> Tensor {
    Tensor(keptTokens(heads: count).map { Float(log(expm1(1 / $0))) })
  }
}
