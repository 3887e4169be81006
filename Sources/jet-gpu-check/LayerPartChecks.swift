import JetKernels
import JetTensor

/// What a JetBlock does around its products and the gated delta rule: the operators for a GPU and their gradients beside the
/// definitions, which take the same numbers in float32 on the same GPU.
enum LayerPartChecks {
  private static let device = Device.cuda(0)

  /// The largest relative error. bfloat16 rounds the results, and in a convolution the generator's inner layer, each by at
  /// most 2⁻⁹; the worst that was measured is two thirds of a bound.
  static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 4e-3 : 2e-6 }
  static func gradientBound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 5e-3 : 5e-6 }

  static func run(small: Bool, _ tally: inout Tally) {
    for dtype in [DType.float32, .bfloat16] {
      for (tokens, heads) in [(1, 1), (67, 5), (130, 12)] {
        gates(tokens, heads, dtype, &tally)
        pieces(tokens, heads, dtype, &tally)
        for rest in [8, 3] { places(tokens, heads, rest: rest, dtype, &tally) }
        for width in [4, 64, 96, 256, 1536] { norms(tokens, heads, width, dtype, &tally) }
      }
    }
    convolutions(small: small, &tally)
  }

  static func normal(_ shape: [Int], _ dtype: DType, seed: UInt64) -> Tensor {
    Tensor.randomNormal(shape, generator: Generator(seed: seed, device: device)).to(dtype)
  }

  /// Results and gradients of `form` by operators and, in float32, by definitions; and the operators' again, bit for
  /// bit, with gradients that are taken twice from one graph.
  static func compare(
    _ title: String, _ dtype: DType, _ inputs: [Tensor], _ names: [String], _ tally: inout Tally,
    _ form: ([Tensor]) -> [Tensor]
  ) {
    func all(_ inputs: [Tensor], times: Int = 1) -> [Tensor] {
      let leaves = inputs.map { $0.detached().requiringGradient() }
      let results = form(leaves)
      let seeds = results.enumerated().map {
        normal($1.shape, dtype, seed: 90 + UInt64($0)).to($1.dtype)
      }
      var found: [Tensor?] = []
      for time in 1...times {
        found = gradients(of: results, by: leaves, seeds: seeds, keepGraph: time < times)
      }
      return results.map { $0.detached() } + found.map { $0 ?? Tensor.zeros([0]) }
    }
    let expected = FastForm.disabled { all(inputs.map(\.float32)) }
    RecurrentStepChecks.poison([16 << 20], dtype)
    let found = all(inputs)
    let results = found.count - inputs.count
    tally.compare(
      "\(title) \(dtype)",
      found.indices.map { i in
        i < results
          ? ("result \(i)", found[i], expected[i], bound(dtype))
          : (names[i - results], found[i], expected[i], gradientBound(dtype))
      })
    let again = all(inputs, times: 2)
    tally.record(
      zip(found, again).allSatisfy {
        $0.float32.array(of: Float.self) == $1.float32.array(of: Float.self)
      },
      "\(title) \(dtype) twice, bit for bit")
  }

  private static func gates(_ tokens: Int, _ heads: Int, _ dtype: DType, _ tally: inout Tally) {
    // Both are cut out of one tensor, and not aligned.
    let wide = normal([2, tokens, 2 * heads + 3], dtype, seed: 1)
    let cut = wide.split([heads, heads, 3], dim: -1)
    compare(
      "gates 2×\(tokens)×\(heads)", dtype,
      [cut[0], cut[1], normal([heads], dtype, seed: 2), normal([heads], dtype, seed: 3)],
      ["decay", "write", "logRate", "stepBias"], &tally
    ) {
      let gates = decayGates(decay: $0[0], write: $0[1], logRate: $0[2], stepBias: $0[3])
      return [gates.writeStrength, gates.logDecay]
    }
  }

  private static func pieces(_ tokens: Int, _ heads: Int, _ dtype: DType, _ tally: inout Tally) {
    let lengths = [heads * 16, heads * 16, heads * 24, 7, heads]
    compare(
      "pieces 2×\(tokens)×\(lengths)", dtype,
      [normal([2, tokens, lengths.reduce(0, +)], dtype, seed: 4)], ["merged"], &tally
    ) { JetKernels.pieces(of: $0[0], lengths) }
  }

  /// Pieces whose gradients operators write where they belong, if `rest` columns leave rows that are aligned; the last
  /// of the pieces but these columns has two such operators.
  private static func places(
    _ tokens: Int, _ heads: Int, rest: Int, _ dtype: DType, _ tally: inout Tally
  ) {
    let (width, inner) = (64, 72)
    let channels = heads * width
    let lengths = [heads * 16, channels, channels, inner, channels, rest]
    let before = normal([2, channels, 4], dtype, seed: 11)
    compare(
      "pieces 2×\(tokens)×\(lengths) with their operators", dtype,
      [
        normal([2, tokens, lengths.reduce(0, +)], dtype, seed: 4),
        normal([2, tokens, heads, width], dtype, seed: 5), normal([width], dtype, seed: 7),
        (normal([4 * channels, inner], .float32, seed: 9) * 0.05).to(dtype),
        (normal([4 * channels], .float32, seed: 10) * 0.5).to(dtype),
      ], ["merged", "x", "norm", "generator", "bias"], &tally
    ) {
      let (x, weight) = ($0[1], $0[2])
      let cut = JetKernels.pieces(of: $0[0], lengths)
      func gated(_ gate: Tensor) -> Tensor {
        gatedRMSNorm(x, gate: gate.heads(heads), weight: weight, eps: 1e-5)
      }
      var window = before.clone()
      return [
        cut[0], gated(cut[2]), gated(cut[4]), gated(cut[4]),
        generatedConvolution(
          cut[1], inner: cut[3], weight: $0[3], bias: $0[4], window: &window),
      ]
    }
  }

  private static func norms(
    _ tokens: Int, _ heads: Int, _ width: Int, _ dtype: DType, _ tally: inout Tally
  ) {
    let shape = [2, tokens, heads, width]
    let (x, other) = (normal(shape, dtype, seed: 5), normal(shape, dtype, seed: 6))
    let weight = normal([width], dtype, seed: 7)
    compare("norm of \(shape)", dtype, [x, weight], ["x", "weight"], &tally) {
      [rmsNorm($0[0], weight: $0[1], eps: 1e-5)]
    }
    compare(
      "norm and gate of \(shape)", dtype, [x, other, weight], ["x", "gate", "weight"], &tally
    ) { [gatedRMSNorm($0[0], gate: $0[1], weight: $0[2], eps: 1e-5)] }
  }
}
