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
  ///   - x: the normalized input, `[B, T, D]`, or as many rows packed into one, which the context knows how to spread.
  ///   - state: what came before, replaced by what comes after; nil where each row is a whole sequence.
  ///   - context: where the tokens stand and which of them are real.
  /// - Returns: as `x`.
  func callAsFunction(
    _ x: Tensor, state: inout RecurrentState?, _ context: ForwardContext
  ) -> Tensor

  /// Appends to `steps` the fused form of one token a sequence, norm and residual included: `x + mixer(norm(x))`.
  ///
  /// Only a mixer with a fused kernel writes its own; the others run a step as a piece of one token.
  ///
  /// - Parameters:
  ///   - state: what came before; the kernel will write its tensors in place.
  ///   - slots: int32 `[N]`, where in them each sequence lies.
  /// - Returns: whether there is such a form for these sizes; if not, nothing was appended.
  func appendStep(
    to steps: inout LayerSteps, norm: RMSNorm, state: RecurrentState, slots: Tensor
  ) -> Bool

  /// One token a sequence whose states lie in pools, norm and residual included: `x + mixer(norm(x))`, `[N, D]` to
  /// `[N, D]`; nil where the mixer has no form of its own for these sizes, and then its rows of the pools are gathered.
  ///
  /// It may be recorded in a graph: what it needs of the sequences is to be found on the device.
  ///
  /// - Parameters:
  ///   - pool: memory `[S, H, K, V]` and window `[S, D, W]`, changed in place.
  ///   - batch: the sequences' places in the pools, and their positions.
  func step(
    _ x: ResidualStream, norm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream?
}

extension LinearMixer {
  /// There is no form of its own.
  public func step(
    _ x: ResidualStream, norm: RMSNorm, pool: RecurrentState, batch: PooledStep
  ) -> ResidualStream? { nil }

  /// There is no fused form.
  public func appendStep(
    to steps: inout LayerSteps, norm: RMSNorm, state: RecurrentState, slots: Tensor
  ) -> Bool { false }
}
