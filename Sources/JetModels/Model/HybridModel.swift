import JetKernels
public import JetTensor

/// A layer: `x + mixer(norm(x))`, then `x + mlp(norm(x))`.
public struct HybridLayer {
  /// Before the mixer.
  public let mixerNorm: RMSNorm
  /// Mixes tokens.
  public let mixer: Mixer
  /// Before the MLP.
  public let mlpNorm: RMSNorm
  /// Works on each token alone.
  public let mlp: MLP

  init(_ mixer: MixerConfiguration, _ model: ModelConfiguration, _ path: ParameterPath) throws {
    mixerNorm = try RMSNorm(model.width, eps: model.normEps, path / "input_layernorm")
    self.mixer = try Mixer(mixer, model, path / "self_attn")
    mlpNorm = try RMSNorm(model.width, eps: model.normEps, path / "post_attention_layernorm")
    mlp = try MLP(model, path / "mlp")
  }

  /// The layer with another mixer.
  init(_ layer: HybridLayer, mixer: Mixer) {
    (mixerNorm, mlpNorm, mlp) = (layer.mixerNorm, layer.mlpNorm, layer.mlp)
    self.mixer = mixer
  }

  func callAsFunction(_ x: Tensor, state: inout MixerState?, _ context: ForwardContext) -> Tensor {
    let mixed = mixer(mixerNorm(x), state: &state, context)
    let (residual, normalized) = addingRMSNorm(x, mixed, weight: mlpNorm.weight, eps: mlpNorm.eps)
    return residual + mlp(normalized)
  }

  /// One token a sequence; see ``Mixer/step(_:_:norm:state:_:)``.
  func step(
    _ x: Tensor, _ steps: inout LayerSteps, state: inout MixerState, _ context: ForwardContext
  ) -> Tensor {
    let x = mixer.step(x, &steps, norm: mixerNorm, state: &state, context)
    steps.appendMLP(
      norm: mlpNorm.weight, eps: mlpNorm.eps, gateAndUp: mlp.gateAndUp.weight,
      down: mlp.down.weight)
    return x
  }
}

/// A language model whose layers mix tokens by attention or by a linear block: Jet-Nemotron, Llama, Qwen2, Qwen3.
public struct HybridModel {
  /// The model's shape.
  public let configuration: ModelConfiguration
  /// All parameters by name.
  public let parameters: ParameterStore
  /// `[vocabulary, D]`.
  public let embedding: Tensor
  /// From the first to the last.
  public let layers: [HybridLayer]
  /// Before the head.
  public let norm: RMSNorm
  /// `[vocabulary, D]`; the embedding itself where they are tied.
  public let head: Tensor

  /// Builds the model with the values that `parameters` gives.
  ///
  /// - Throws: ``ModelError`` for an impossible configuration, and whatever the source of the parameters throws.
  public init(_ configuration: ModelConfiguration, parameters: ParameterStore) throws {
    try configuration.validate()
    self.configuration = configuration
    self.parameters = parameters
    let (root, deviation) = (parameters.root, configuration.initializerDeviation)
    let shape = [configuration.vocabularySize, configuration.width]
    embedding = try (root / "model" / "embed_tokens").parameter(
      "weight", shape, .normal(deviation: deviation))
    layers = try configuration.mixers.enumerated().map { index, mixer in
      try HybridLayer(mixer, configuration, root / "model" / "layers" / "\(index)")
    }
    norm = try RMSNorm(configuration.width, eps: configuration.normEps, root / "model" / "norm")
    head =
      configuration.tiesEmbeddings
      ? embedding
      : try (root / "lm_head").parameter("weight", shape, .normal(deviation: deviation))
  }

  /// A model with the embedding, last norm and head of another.
  init(
    _ other: HybridModel, _ configuration: ModelConfiguration, _ parameters: ParameterStore,
    _ layers: [HybridLayer]
  ) {
    (embedding, norm, head) = (other.embedding, other.norm, other.head)
    self.configuration = configuration
    self.parameters = parameters
    self.layers = layers
  }

  /// The element type of weights and activations.
  public var dtype: DType { embedding.dtype }

  /// An empty state for some sequences, with room for `capacity` tokens; it grows when more come.
  public func makeState(sequences: Int = 1, capacity: Int = 256) -> ModelState {
    ModelState(
      configuration, sequences: sequences, capacity: capacity, dtype: dtype,
      device: embedding.device)
  }

  /// The outputs of the last layer, `[B, T, D]`, before the last norm.
  ///
  /// - Parameters:
  ///   - batch: the next tokens of each sequence.
  ///   - state: what came before; moved on by each sequence's real tokens.
  ///   - observe: given the input of each layer, `[B, T, D]`.
  public func callAsFunction(
    _ batch: TokenBatch, state: inout ModelState, observe: ((Tensor) -> Void)? = nil
  ) -> Tensor {
    precondition(
      batch.sequences == state.lengths.count,
      "\(batch.sequences) rows of tokens for a state of \(state.lengths.count) sequences")
    let context = ForwardContext(starts: state.lengths, batch: batch, rotary: configuration.rotary)
    var x = embedding.embedded(batch.tokens)
    let isStep =
      batch.length == 1 && !batch.isPadded && observe == nil
      && Steps.apply(to: x, weight: embedding, sequences: batch.sequences)
    if isStep {
      x = x.squeezed(1)
      var steps = LayerSteps()
      for (index, layer) in layers.enumerated() {
        x = layer.step(x, &steps, state: &state.layers[index], context)
      }
      x = steps(x).unsqueezed(1)
    } else {
      for (index, layer) in layers.enumerated() {
        observe?(x)
        var own: MixerState? = state.layers[index]
        x = layer(x, state: &own, context)
        if let own { state.layers[index] = own }
      }
    }
    for row in 0..<batch.sequences { state.lengths[row] += batch.counts[row] }
    return x
  }

  /// The outputs of the last layer for whole sequences, with nothing carried: the form to train.
  public func callAsFunction(_ batch: TokenBatch, observe: ((Tensor) -> Void)? = nil) -> Tensor {
    let starts = Array(repeating: 0, count: batch.sequences)
    let context = ForwardContext(starts: starts, batch: batch, rotary: configuration.rotary)
    var x = embedding.embedded(batch.tokens)
    for layer in layers {
      observe?(x)
      var none: MixerState?
      x = layer(x, state: &none, context)
    }
    return x
  }

  /// Float32 logits of outputs of the last layer: `[…, D]` to `[…, vocabulary]`.
  public func logits(_ hidden: Tensor) -> Tensor {
    let rows = hidden.count / configuration.width
    if rows <= Steps.maximumSequences, Steps.apply(to: hidden, weight: head, sequences: rows) {
      // The last tokens of several sequences lie apart, and the operator reads rows without gaps.
      let flat = hidden.reshaped([rows, configuration.width]).contiguous()
      return Steps.head(flat, norm: norm.weight, eps: norm.eps, weight: head)
        .reshaped(hidden.shape.dropLast() + [configuration.vocabularySize])
    }
    return linear(norm(hidden), head).float32
  }

  /// The last real row of each sequence: `[B, T, D]` to `[B, 1, D]`.
  public func lastTokens(_ hidden: Tensor, _ batch: TokenBatch) -> Tensor {
    if !batch.isPadded { return hidden.slice(batch.length - 1..<batch.length, dim: 1) }
    let rows = batch.counts.enumerated().map { row, count in
      hidden.slice(row..<row + 1, dim: 0).slice(max(0, count - 1)..<max(1, count), dim: 1)
    }
    return Tensor.concatenate(rows, dim: 0)
  }
}
