public import JetTensor

/// The halves of layers that one token of each sequence goes through, run as one operation.
///
/// A decode step reads all weights once, so what counts is that memory is never idle: the threads stay in one parallel
/// region from the first half of a layer to the last and fetch the next weights while they wait for each other.
///
/// The states of sequences lie in pools, which the halves read and write in place; a table says which slot or which
/// pages of a pool each row has. Two rows never write to the same slot or page.
///
/// Letters: N sequences, D width, F inner width, H heads, G key heads, Dh head width, K and V widths of a key and a value
/// of a memory, S slots of a pool, P pages of a pool, C entries of a page, M pages of a row of the table.
public struct LayerSteps {
  private var kinds: [Int] = []
  private var wholeNumbers: [Int] = []
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
        .tensor(x), .ints(kinds), .ints(wholeNumbers), .doubles(reals), .optionalTensors(tensors))
  }

  /// `x + down(silu(g) · u)` with `g, u` from the normalized input.
  ///
  /// - Parameters:
  ///   - gateAndUp: `[2F, D]`.
  ///   - down: `[D, F]`.
  public mutating func appendMLP(norm: Tensor, eps: Double, gateAndUp: Tensor, down: Tensor) {
    append(.mlp, [], [eps], [norm, gateAndUp, down])
  }

  /// `x + output(attention(…))` of the normalized input; writes the new key and value to their pools.
  ///
  /// The token at `p = positions[n]` goes to entry `p mod C` of page `pages[n][p / C]`, and the `p + 1` entries up to it
  /// are looked at. In a ring it goes to entry `p mod C` of `pages[n][0]`, and `min(p + 1, C)` entries are looked at.
  ///
  /// - Parameters:
  ///   - projection: `[(H + 2G)·Dh, D]`, rows of queries, keys, values.
  ///   - keys: a pool, `[P, G, C, Dh]`; values likewise.
  ///   - pages: int32 `[N, M]`, the pages of each sequence in order; what stands behind the last one in use is not read.
  ///   - positions: int32 `[N]`, of the new tokens.
  ///   - isRing: whether each sequence has one page, the window of its last `C` tokens.
  public mutating func appendAttention(
    norm: Tensor, eps: Double, projection: Tensor, bias: Tensor?, queryNorm: Tensor?,
    keyNorm: Tensor?, angles: RotaryAngles, keys: Tensor, values: Tensor, pages: Tensor,
    positions: Tensor, isRing: Bool, output: Tensor, heads: Int, scale: Double
  ) {
    append(
      .attention, [heads, isRing ? 1 : 0], [eps, scale],
      [
        norm, projection, bias, queryNorm, keyNorm, angles.cosines,
        angles.sines, keys, values, pages, positions, output,
      ])
  }

  /// `x + output(…)` of a JetBlock; shifts the convolution's windows and updates the memories in place.
  ///
  /// - Parameters:
  ///   - window: a pool, `[S, H·V, 4]`.
  ///   - memory: a pool, float32 `[S, H, K, V]`.
  ///   - slots: int32 `[N]`, where each sequence's window and memory lie.
  public mutating func appendJetBlock(
    norm: Tensor, eps: Double, input: Tensor, generator: Tensor, generatorBias: Tensor,
    logRate: Tensor, stepBias: Tensor, window: Tensor, memory: Tensor, slots: Tensor,
    outputNorm: Tensor, outputEps: Double, output: Tensor, heads: Int
  ) {
    append(
      .jetBlock, [heads], [eps, outputEps],
      [
        norm, input, generator, generatorBias, logRate, stepBias, window, memory, slots, outputNorm,
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
    _ kind: Kind, _ counts: [Int], _ numbers: [Double], _ parts: [Tensor?]
  ) {
    kinds.append(kind.rawValue)
    wholeNumbers += counts
    reals += numbers
    tensors += parts
  }
}
