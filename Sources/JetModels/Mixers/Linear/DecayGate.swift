import Foundation
import JetKernels
public import JetTensor

/// The parameters of a head's decay: `log α = −e^A · softplus(a + dt)`.
public struct DecayGate {
  /// `A`, `[H]`.
  public let logRate: Tensor
  /// `dt`, `[H]`.
  public let stepBias: Tensor

  /// The gate of `heads` heads whose rates `e^A` begin spread over `rates`.
  init(heads: Int, rates: ClosedRange<Double> = 1e-4...16, _ path: ParameterPath) throws {
    logRate = try path.parameter(
      "A_log", [heads], .uniform(rates.lowerBound, rates.upperBound) { log($0) })
    stepBias = try path.parameter(
      "dt_bias", [heads],
      .uniform(Foundation.log(1e-3), Foundation.log(0.1)) { x in
        let step = exp(x)
        return step + log(-exp(-step) + 1)  // softplus⁻¹
      })
  }

  /// How strongly each token writes and how much it keeps, `[B, T, H]`; padding does neither, so that the memory is
  /// that of the sequence alone.
  func callAsFunction(
    decay: Tensor, write: Tensor, _ context: ForwardContext
  ) -> (writeStrength: Tensor, logDecay: Tensor) {
    let gates = decayGates(decay: decay, write: write, logRate: logRate, stepBias: stepBias)
    return (context.clearingPadding(gates.writeStrength), context.clearingPadding(gates.logDecay))
  }

  /// What makes the decays of one token a sequence of `logits`, `[N, H]`.
  func step(_ logits: Tensor) -> DecayLogits {
    DecayLogits(logits, logRate: logRate, stepBias: stepBias)
  }
}
