public import JetTensor

/// What a linear-attention layer carries from token to token.
public struct RecurrentState {
  /// The matrix memory of each head, `[B, H, K, V]`, float32.
  public internal(set) var memory: Tensor
  /// The last inputs of the layer's convolution, newest last, `[B, D, W]`.
  public internal(set) var window: Tensor

  /// An empty state.
  ///
  /// - Parameters:
  ///   - memory: heads, key width and value width.
  ///   - window: channels and taps of the convolution.
  init(
    memory: (heads: Int, keyWidth: Int, valueWidth: Int), window: (channels: Int, taps: Int),
    sequences: Int, dtype: DType, device: Device
  ) {
    self.memory = Tensor.zeros(
      [sequences, memory.heads, memory.keyWidth, memory.valueWidth], device: device)
    self.window = Tensor.zeros(
      [sequences, window.channels, window.taps], dtype: dtype, device: device)
  }
}

extension JetBlockConfiguration {
  /// The state before the first token: the convolution is on the values.
  func state(sequences: Int, dtype: DType, device: Device) -> RecurrentState {
    RecurrentState(
      memory: (heads, keyWidth, valueWidth), window: (heads * valueWidth, kernelSize),
      sequences: sequences, dtype: dtype, device: device)
  }
}

extension GatedDeltaNetConfiguration {
  /// The state before the first token: the convolution is on queries, keys and values.
  func state(sequences: Int, dtype: DType, device: Device) -> RecurrentState {
    RecurrentState(
      memory: (heads, keyWidth, valueWidth),
      window: (heads * (2 * keyWidth + valueWidth), kernelSize),
      sequences: sequences, dtype: dtype, device: device)
  }
}
