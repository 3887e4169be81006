public import JetTensor

/// The keys and values of the tokens so far; grows as they come.
public struct AttentionState {
  /// `[B, G, C, D]`, C of them allocated.
  public internal(set) var keys: Tensor
  /// `[B, G, C, D]`.
  public internal(set) var values: Tensor

  /// Whether the keys of a window lie in a ring, which never grows.
  let isRing: Bool

  init(
    _ configuration: AttentionConfiguration, sequences: Int, capacity: Int, dtype: DType,
    device: Device
  ) {
    let shape = [
      sequences, configuration.keyValueHeads, configuration.window ?? capacity,
      configuration.headWidth,
    ]
    isRing = configuration.window != nil
    keys = Tensor.zeros(shape, dtype: dtype, device: device)
    values = Tensor.zeros(shape, dtype: dtype, device: device)
  }

  /// Tokens there is room for.
  var capacity: Int { keys.dim(2) }

  /// Makes room for `count` tokens; by half as much again, so that growing costs little in the long run.
  mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    let extra = max(count, capacity + capacity / 2) - capacity
    keys = keys.padded(after: extra, dim: 2)
    values = values.padded(after: extra, dim: 2)
  }
}
