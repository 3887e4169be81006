public import JetTensor

/// A layer that mixes tokens through a memory of fixed size: linear attention and its kin.
///
/// One function of two forms. ``callAsFunction(_:state:_:)`` takes any number of tokens, from a whole sequence (the
/// form to train) to a piece with carried state; ``step(_:norm:state:_:)`` takes one. They agree.
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

  /// One token a sequence, norm and residual included: `x + mixer(norm(x))`, `[N, D]` to `[N, D]`.
  ///
  /// Only a mixer with a fused kernel writes its own.
  func step(
    _ x: Tensor, norm: RMSNorm, state: inout RecurrentState, _ context: ForwardContext
  ) -> Tensor
}

extension LinearMixer {
  /// The step as a piece of one token.
  public func step(
    _ x: Tensor, norm: RMSNorm, state: inout RecurrentState, _ context: ForwardContext
  ) -> Tensor {
    steppedAsPiece(x, norm: norm, state: &state, context)
  }

  /// The step as a piece of one token, also where the mixer has a fused one for other sizes.
  func steppedAsPiece(
    _ x: Tensor, norm: RMSNorm, state: inout RecurrentState, _ context: ForwardContext
  ) -> Tensor {
    var own: RecurrentState? = state
    let y = self(norm(x).unsqueezed(1), state: &own, context).squeezed(1)
    if let own { state = own }
    return x + y
  }
}
