public import JetTensor

/// What a model carries between the pieces of some sequences.
///
/// The tensors inside are references that steps write in place; ``copy()`` makes an independent state.
public struct ModelState {
  /// Tokens that each sequence has behind it.
  public internal(set) var lengths: [Int]
  /// The state of each layer's mixer.
  public internal(set) var layers: [MixerState]

  init(
    _ configuration: ModelConfiguration, sequences: Int, capacity: Int, dtype: DType, device: Device
  ) {
    lengths = Array(repeating: 0, count: sequences)
    layers = configuration.mixers.map {
      MixerState($0, sequences: sequences, capacity: max(1, capacity), dtype: dtype, device: device)
    }
  }

  /// Bytes of all its tensors.
  public var byteCount: Int { layers.reduce(0) { $0 + $1.byteCount } }

  /// A state of its own with the same contents.
  public func copy() -> ModelState { mapped { $0.clone() } }

  /// Puts random numbers in place of what `tokens` tokens would leave behind: for measuring speed at a depth without
  /// reading that many tokens.
  public mutating func fillRandomly(tokens: Int, generator: Generator) {
    for index in layers.indices { layers[index].fillRandomly(tokens: tokens, generator: generator) }
    lengths = lengths.map { _ in tokens }
  }

  /// The state of some of the sequences, in the given order; one may be named more than once.
  public func sequences(_ rows: [Int]) -> ModelState {
    var chosen = mapped { $0.rows(Tensor(rows).to($0.device)) }
    chosen.lengths = rows.map { lengths[$0] }
    return chosen
  }

  private func mapped(_ change: (Tensor) -> Tensor) -> ModelState {
    var state = self
    state.layers = layers.map { $0.mapped(change) }
    return state
  }
}

extension ModelConfiguration {
  /// Bytes of state of one sequence: what grows with the context, and what does not.
  ///
  /// - Parameters:
  ///   - context: tokens of the sequence.
  ///   - dtype: the type of keys, values and convolution windows; memories are float32.
  public func stateBytes(context: Int, dtype: DType) -> (growing: Int, fixed: Int) {
    var (growing, fixed) = (0, 0)
    for mixer in mixers {
      switch mixer.sort {
      case .attention(let attention):
        let token = 2 * attention.keyValueHeads * attention.headWidth * dtype.byteCount
        if let window = attention.window {
          fixed += window * token
        } else {
          growing += context * token
        }
      case .linear(let linear):
        fixed += linear.stateSizes.byteCount(dtype)
      }
    }
    return (growing, fixed)
  }
}
