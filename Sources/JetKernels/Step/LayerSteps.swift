public import JetTensor

/// The halves of layers that one token of each sequence goes through, run as one operation.
///
/// A decode step reads all weights once, so what counts is that memory is never idle: the threads stay in one parallel
/// region from the first half of a layer to the last and fetch the next weights while they wait for each other.
///
/// Letters: N sequences, D width, F inner width, H heads, G key heads, Dh head width, C capacity of the cache.
public struct LayerSteps {
  private var kinds: [Int] = []
  private var heads: [Int] = []
  private var reals: [Double] = []
  private var tensors: [Tensor?] = []

  /// No halves yet.
  public init() {}

  /// Runs the halves in the order in which they came: `x` `[N, D]` to `[N, D]`.
  ///
  /// Tensors of states that were given are changed in place.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    kinds.isEmpty
      ? x
      : Kernels.layersStep(
        .tensor(x), .ints(kinds), .ints(heads), .doubles(reals), .optionalTensors(tensors))
  }

  /// `x + down(silu(g) · u)` with `g, u` from the normalized input.
  ///
  /// - Parameters:
  ///   - gateAndUp: `[2F, D]`.
  ///   - down: `[D, F]`.
  public mutating func appendMLP(norm: Tensor, eps: Double, gateAndUp: Tensor, down: Tensor) {
    append(.mlp, heads: 0, [eps], [norm, gateAndUp, down])
  }

  /// `x + output(attention(…))` of the normalized input; writes the new key and value to the cache.
  ///
  /// - Parameters:
  ///   - projection: `[(H + 2G)·Dh, D]`, rows of queries, keys, values.
  ///   - keys: the cache, `[N, G, C, Dh]`; values likewise.
  ///   - slots: int64 `[N]`, where in the cache the token goes.
  ///   - counts: int64 `[N]`, how many entries of the cache are then looked at.
  public mutating func appendAttention(
    norm: Tensor, eps: Double, projection: Tensor, bias: Tensor?, queryNorm: Tensor?,
    keyNorm: Tensor?, angles: RotaryAngles, keys: Tensor, values: Tensor, slots: Tensor,
    counts: Tensor, output: Tensor, heads: Int, scale: Double
  ) {
    append(
      .attention, heads: heads, [eps, scale],
      [
        norm, projection, bias, queryNorm, keyNorm, angles.cosines,
        angles.sines, keys, values, slots, counts, output,
      ])
  }

  /// `x + output(…)` of a JetBlock; shifts the convolution's window and updates the memory in place.
  public mutating func appendJetBlock(
    norm: Tensor, eps: Double, input: Tensor, generator: Tensor, generatorBias: Tensor,
    logRate: Tensor, stepBias: Tensor, window: Tensor, memory: Tensor, outputNorm: Tensor,
    outputEps: Double, output: Tensor, heads: Int
  ) {
    append(
      .jetBlock, heads: heads, [eps, outputEps],
      [
        norm, input, generator, generatorBias, logRate, stepBias, window, memory, outputNorm,
        output,
      ])
  }

  /// The kinds of halves, as `CJetKernels/Library.cpp` numbers them.
  private enum Kind: Int {
    case mlp = 0
    case attention = 1
    case jetBlock = 2
  }

  private mutating func append(
    _ kind: Kind, heads count: Int, _ numbers: [Double], _ parts: [Tensor?]
  ) {
    kinds.append(kind.rawValue)
    heads.append(count)
    reals += numbers
    tensors += parts
  }
}
