import JetTensor

/// The token mixer of a layer.
public enum Mixer {
  /// Softmax attention.
  case attention(Attention)
  /// A JetBlock.
  case jet(JetBlock)

  init(
    _ configuration: MixerConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    switch configuration {
    case .attention(let attention): self = .attention(try Attention(attention, model, path))
    case .jet(let jet): self = .jet(try JetBlock(jet, model, path))
    }
  }

  /// All tokens of a piece at once; `[B, T, D]` to `[B, T, D]`. Without a state each piece is a whole sequence.
  func callAsFunction(_ x: Tensor, state: inout MixerState?, _ context: ForwardContext) -> Tensor {
    switch self {
    case .attention(let attention):
      var own: AttentionState? = state?.attention
      let y = attention(x, state: &own, context)
      if let own { state = .attention(own) }
      return y
    case .jet(let jet):
      var own: JetBlock.State? = state?.jet
      let y = jet(x, state: &own, context)
      if let own { state = .jet(own) }
      return y
    }
  }

  /// One token a sequence with norm and residual; `[N, D]` to `[N, D]`.
  func step(
    _ x: Tensor, norm: RMSNorm, state: inout MixerState, _ context: ForwardContext
  ) -> Tensor {
    switch (self, state) {
    case (.attention(let attention), .attention(var own)):
      let y = attention.step(x, norm: norm, state: &own, context)
      state = .attention(own)
      return y
    case (.jet(let jet), .jet(var own)):
      let y = jet.step(x, norm: norm, state: &own)
      state = .jet(own)
      return y
    default:
      preconditionFailure("the state is not that of this layer's mixer")
    }
  }
}

/// What a mixer carries from token to token.
public enum MixerState {
  /// Keys and values.
  case attention(AttentionState)
  /// A matrix memory and a convolution's window.
  case jet(JetBlock.State)

  /// The state of an attention layer.
  public var attention: AttentionState? {
    if case .attention(let state) = self { state } else { nil }
  }

  /// The state of a JetBlock.
  public var jet: JetBlock.State? {
    if case .jet(let state) = self { state } else { nil }
  }

  init(
    _ configuration: MixerConfiguration, sequences: Int, capacity: Int, dtype: DType, device: Device
  ) {
    switch configuration {
    case .attention(let attention):
      self = .attention(
        AttentionState(
          attention, sequences: sequences, capacity: capacity, dtype: dtype, device: device))
    case .jet(let jet):
      self = .jet(JetBlock.State(jet, sequences: sequences, dtype: dtype, device: device))
    }
  }

  /// The state with each of its tensors replaced by what `change` makes of it.
  func mapped(_ change: (Tensor) -> Tensor) -> MixerState {
    switch self {
    case .attention(var state):
      state.keys = change(state.keys)
      state.values = change(state.values)
      return .attention(state)
    case .jet(var state):
      state.memory = change(state.memory)
      state.window = change(state.window)
      return .jet(state)
    }
  }
}
