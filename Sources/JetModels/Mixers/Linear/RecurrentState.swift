public import JetTensor

/// The sizes of what a linear mixer carries from token to token.
public struct RecurrentStateSizes: Hashable, Sendable {
  /// Heads, each with a memory of its own.
  public var heads: Int
  /// Rows of a memory.
  public var keyWidth: Int
  /// Columns of a memory.
  public var valueWidth: Int
  /// Channels whose last inputs are kept; 0 for a mixer that looks at no earlier input.
  public var windowChannels: Int
  /// How many inputs of each channel are kept.
  public var windowTaps: Int

  /// Sizes of a memory and a window; without a window by default.
  public init(
    heads: Int, keyWidth: Int, valueWidth: Int, windowChannels: Int = 0, windowTaps: Int = 1
  ) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.windowChannels = windowChannels
    self.windowTaps = windowTaps
  }

  /// Bytes of the state of one sequence whose window is of `dtype`; the memory is float32.
  public func byteCount(_ dtype: DType) -> Int {
    heads * keyWidth * valueWidth * DType.float32.byteCount
      + windowChannels * windowTaps * dtype.byteCount
  }
}

/// What a linear mixer carries from token to token.
public struct RecurrentState {
  /// The matrix memory of each head, `[B, H, K, V]`, float32.
  public internal(set) var memory: Tensor
  /// The last inputs of the mixer's convolution or token shift, newest last, `[B, D, W]`.
  public internal(set) var window: Tensor

  /// A state of tensors that exist.
  init(memory: Tensor, window: Tensor) {
    self.memory = memory
    self.window = window
  }

  /// An empty state.
  init(_ sizes: RecurrentStateSizes, sequences: Int, dtype: DType, device: Device) {
    memory = Tensor.zeros(
      [sequences, sizes.heads, sizes.keyWidth, sizes.valueWidth], device: device)
    window = Tensor.zeros(
      [sequences, sizes.windowChannels, sizes.windowTaps], dtype: dtype, device: device)
  }
}
