public import JetKernels
public import JetTensor

/// A layer that mixes tokens through a memory of fixed size: linear attention and its kin.
///
/// ``callAsFunction(_:state:_:)`` takes any number of tokens: a whole sequence (the form to train), a piece with carried
/// state, or one. However a sequence is cut, the outputs are the same.
public protocol LinearMixer {
  /// All tokens of a piece at once.
  ///
  /// Padded tokens neither write to the memory nor let it decay, so that each sequence of a batch gets what it would
  /// get alone.
  ///
  /// - Parameters:
  ///   - x: the normalized input, `[B, T, D]`.
  ///   - state: what came before, replaced by what comes after; nil where each row is a whole sequence.
  ///   - context: where the tokens stand and which of them are real.
  /// - Returns: `[B, T, D]`.
  func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor

  /// Appends to `steps` the fused form of one token a sequence, norm and residual included: `x + mixer(norm(x))`.
  ///
  /// Only a mixer with a fused kernel writes its own; the others run a step as a piece of one token.
  ///
  /// - Parameters:
  ///   - state: what came before; the kernel will write its tensors in place.
  ///   - context: where in them each sequence lies.
  /// - Returns: whether there is such a form for these sizes; if not, nothing was appended.
  func appendStep(
    to steps: inout LayerSteps, norm: RMSNorm, state: RecurrentState, _ context: ForwardContext
  ) -> Bool
}

extension LinearMixer {
  /// There is no fused form.
  public func appendStep(
    to steps: inout LayerSteps, norm: RMSNorm, state: RecurrentState, _ context: ForwardContext
  ) -> Bool { false }
}
