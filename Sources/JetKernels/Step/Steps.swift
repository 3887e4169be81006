public import JetTensor

/// When one token a sequence is run by fused operators, and the one for the logits.
public enum Steps {
  /// The most sequences a step that the fused operators are made for.
  public static let maximumSequences = 16

  /// The taps of the convolution that a JetBlock's fused half is made for.
  public static let convolutionTaps = 4

  /// Whether the fused operators take these tensors.
  public static func apply(to x: Tensor, weight: Tensor, sequences: Int) -> Bool {
    sequences <= maximumSequences && x.dtype == weight.dtype && FastForm.applies(to: x, weight)
  }

  /// Float32 logits `[N, vocabulary]` of `x` `[N, D]`, normalized first where `norm` is given.
  public static func head(_ x: Tensor, norm: Tensor?, eps: Double, weight: Tensor) -> Tensor {
    Kernels.headStep(
      .tensor(x), .optional(norm), .double(eps), .tensor(weight), .none)
  }
}
