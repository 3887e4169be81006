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

  /// `[B, T, H, …]` to `[B, H, n, C, …]`, float32 unless another type is named.
  func cut(_ x: Tensor, dtype: DType = .float32) -> Tensor {
    let moved = x.to(dtype).transposed(1, 2)
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

  /// As ``memories(decay:written:memory:)``, by one product with the triangle of decays over chunks: no step waits for
  /// another, and O(n²) multiply-adds for n chunks.
  ///
  /// - Parameters:
  ///   - logDecay: over each whole chunk, `[B, H, n]` or `[1, H, n]`, float64.
  ///   - written: `[B, H, n, K, V]`, of the type of the product.
  ///   - memory: before the first chunk, `[B, H, K, V]`; replaced by that after the last.
  static func memoriesAtOnce(
    logDecay: Tensor, written: Tensor, memory: inout Tensor
  ) -> Tensor {
    let (shape, chunkCount) = (written.shape, written.dim(2))
    let sums = logDecay.cumulativeSum(dim: -1).padded(before: 1, dim: -1)  // [B, H, n + 1]
    let all = Tensor.concatenate([memory.to(written.dtype).unsqueezed(2), written], dim: 2)
    let product = matmul(
      decayTriangle(sums, dtype: written.dtype),
      all.reshaped([shape[0], shape[1], chunkCount + 1, shape[3] * shape[4]])
    ).reshaped(all.shape)
    memory = product.select(chunkCount, dim: 2).float32
    return product.slice(0..<chunkCount, dim: 2)
  }
}
