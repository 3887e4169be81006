import JetKernels
import JetTensor

/// The token mixer of a layer.
public enum Mixer {
  /// Softmax attention.
  case attention(Attention)
  /// A linear mixer.
  case linear(any LinearMixer)

  init(
    _ configuration: MixerConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    switch configuration.sort {
    case .attention(let attention): self = .attention(try Attention(attention, model, path))
    case .linear(let linear): self = .linear(try linear.makeMixer(model, path))
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
    case .linear(let mixer):
      var own: RecurrentState? = state?.recurrent
      let y = mixer(x, state: &own, context)
      if let own { state = .recurrent(own) }
      return y
    }
  }

  /// One token a sequence with norm and residual: appended to `steps` where there is a fused form; otherwise what was
  /// appended before is run, and then this mixer on its outputs. `x` is `[N, D]`.
  func step(
    _ x: Tensor, _ steps: inout LayerSteps, norm: RMSNorm, state: inout MixerState,
    _ context: ForwardContext
  ) -> Tensor {
    switch (self, state) {
    case (.attention(let attention), .attention(var own)):
      attention.appendStep(to: &steps, norm: norm, state: &own, context)
      state = .attention(own)
      return x
    case (.linear(let mixer), .recurrent(let own))
    where mixer.appendStep(to: &steps, norm: norm, state: own, slots: context.places.slots):
      return x
    default:
      let x = steps(x)
      steps = LayerSteps()
      var own: MixerState? = state
      let y = self(norm(x).unsqueezed(1), state: &own, context).squeezed(1)
      if let own { state = own }
      return x + y
    }
  }
}

/// What a mixer carries from token to token.
public enum MixerState {
  /// Keys and values.
  case attention(AttentionState)
  /// A matrix memory and a convolution's window.
  case recurrent(RecurrentState)

  /// The state of an attention layer.
  public var attention: AttentionState? {
    if case .attention(let state) = self { state } else { nil }
  }

  /// The state of a linear-attention layer.
  public var recurrent: RecurrentState? {
    if case .recurrent(let state) = self { state } else { nil }
  }

  init(
    _ configuration: MixerConfiguration, sequences: Int, capacity: Int, dtype: DType, device: Device
  ) {
    switch configuration.sort {
    case .attention(let attention):
      self = .attention(
        AttentionState(
          attention, sequences: sequences, capacity: capacity, dtype: dtype, device: device))
    case .linear(let linear):
      self = .recurrent(linear.state(sequences: sequences, dtype: dtype, device: device))
    }
  }

  /// Bytes of its tensors.
  var byteCount: Int {
    switch self {
    case .attention(let state): state.keys.byteCount + state.values.byteCount
    case .recurrent(let state): state.memory.byteCount + state.window.byteCount
    }
  }

  /// See ``ModelState/fillRandomly(tokens:generator:)``.
  mutating func fillRandomly(tokens: Int, generator: Generator) {
    func fill(_ tensor: Tensor, deviation: Double) {
      tensor.assign(Tensor.randomNormal(tensor.shape, generator: generator) * deviation)
    }
    switch self {
    case .attention(var state):
      if !state.isRing { state.reserve(tokens) }
      let filled = min(tokens, state.capacity)
      fill(state.keys.slice(0..<filled, dim: 2), deviation: 1)
      fill(state.values.slice(0..<filled, dim: 2), deviation: 1)
      self = .attention(state)
    case .recurrent(let state):
      fill(state.memory, deviation: 0.1)
      fill(state.window, deviation: 1)
    }
  }

  /// The state with each of its tensors replaced by what `change` makes of it.
  func mapped(_ change: (Tensor) -> Tensor) -> MixerState {
    switch self {
    case .attention(var state):
      state.keys = change(state.keys)
      state.values = change(state.values)
      return .attention(state)
    case .recurrent(var state):
      state.memory = change(state.memory)
      state.window = change(state.window)
      return .recurrent(state)
    }
  }
}
