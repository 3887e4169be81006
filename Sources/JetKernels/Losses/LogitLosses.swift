public import JetTensor

/// The losses of rows of logits and their gradient, from one pass over them.
public struct LogitLosses {
  /// `−log p(target)`, 0 where there is no target, float32 `[R]`.
  public let entropies: Tensor
  /// `τ² KL(softmax(wanted / τ) ‖ softmax(logits / τ))`, float32 `[R]`.
  public let divergences: Tensor
  /// `∂(entropyWeight · Σ entropies + divergenceWeight · Σ divergences) / ∂logits`, of the type of the logits.
  public let gradient: Tensor

  /// The losses by our kernel for GPUs; nil where it does not take the tensors, and the losses are to be built of tensor
  /// operations.
  ///
  /// - Parameters:
  ///   - logits: `[R, vocabulary]`.
  ///   - wanted: a teacher's logits of the same shape and type; none where the divergence has no weight.
  ///   - targets: int64 `[R]`, -1 for none.
  ///   - entropyWeight: a float32 scalar on the device.
  ///   - temperature: `τ`.
  public init?(
    logits: Tensor, wanted: Tensor?, targets: Tensor, entropyWeight: Tensor,
    divergenceWeight: Double, temperature: Double
  ) {
    guard FastForm.fuses(logits, wanted), logits.dim(-1).isMultiple(of: 4) else { return nil }
    let all = withoutGradients {
      Fused.logitLoss.all(
        .tensor(logits.detached()), .optional(wanted?.detached()), .tensor(targets.contiguous()),
        .tensor(entropyWeight), .double(divergenceWeight), .double(temperature), capacity: 3)
    }
    (entropies, divergences, gradient) = (all[0], all[1], all[2])
  }
}
