internal import JetTensor

/// Tokens cut into chunks of equal size, the last one filled up with zeros.
///
/// A token of zeros neither writes to a memory nor, its log decay being zero, lets it decay.
struct Chunks {
  /// Tokens, without those that fill the last chunk.
  let length: Int
  /// Tokens of a chunk.
  let size: Int

  /// The size to choose for `length` tokens: 64, or the least power of two that holds all of them.
  static func size(for length: Int) -> Int {
    var size = 1
    while size < length && size < 64 { size *= 2 }
    return size
  }

  /// `[B, T, H, …]` to float32 `[B, H, n, C, …]`.
  func cut(_ x: Tensor) -> Tensor {
    let moved = x.float32.transposed(1, 2)
    let missing = (size - length % size) % size
    let padded = missing == 0 ? moved : moved.padded(after: missing, dim: 2)
    let shape = padded.shape
    return padded.reshaped([shape[0], shape[1], shape[2] / size, size] + shape.dropFirst(3))
  }

  /// `[B, H, n, C, V]` to `[B, T, H, V]`.
  func joined(_ x: Tensor) -> Tensor {
    let shape = x.shape
    let tokens = x.reshaped([shape[0], shape[1], shape[2] * size, shape[4]])
    return tokens.slice(0..<length, dim: 2).transposed(1, 2)
  }

  /// The memory that each chunk begins with, where each is the last one's, decayed, plus what that chunk wrote.
  ///
  /// - Parameters:
  ///   - decay: factor over a whole chunk, `[B, H, n, K, 1]` or `[B, H, n, 1, 1]`.
  ///   - written: `[B, H, n, K, V]`.
  ///   - memory: before the first chunk, `[B, H, K, V]`; replaced by that after the last.
  /// - Returns: `[B, H, n, K, V]`.
  static func memories(decay: Tensor, written: Tensor, memory: inout Tensor) -> Tensor {
    var before: [Tensor] = []
    for (factor, added) in zip(decay.unbound(dim: 2), written.unbound(dim: 2)) {
      before.append(memory)
      memory = memory * factor + added
    }
    return Tensor.stack(before, dim: 2)
  }
}
