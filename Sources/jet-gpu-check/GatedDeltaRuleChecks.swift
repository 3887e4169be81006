import JetKernels
import JetTensor

/// The gated delta rule's CUDA kernels beside the definition on the same GPU.
enum GatedDeltaRuleChecks {
  /// The largest relative error of outputs and memories.
  ///
  /// float32 is multiplied in three tf32 products. In bfloat16 the factors of each product are rounded: the memory, the
  /// corrections and the inverse, each by at most 2⁻⁹ of a number. The worst that was measured are 0.0034 and, of ten write
  /// strengths in all, 0.0068.
  static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 6e-3 : 3e-6 }
  static func gradientBound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 7e-3 : 5e-6 }
  private static let names = ["query", "key", "value", "writeStrength", "logDecay", "memory"]

  static func run(small: Bool, _ tally: inout Tally) {
    for dtype in [DType.float32, .bfloat16] {
      var cases = GatedDeltaRuleCase.all
      if dtype == .bfloat16 { cases.append(GatedDeltaRuleCase.wide) }
      if small { cases = cases.filter { $0.tokens < 70 && $0.keyWidth < 200 } }
      for var one in cases {
        one.dtype = dtype
        for (isCut, activates) in [(false, false), (true, false), (false, true)] {
          (one.isCut, one.activates) = (isCut, activates)
          forward(one, &tally)
          gradients(one, &tally)
        }
      }
      for activates in [false, true] {
        for (keyWidth, rest) in [(96, 8), (96, 3), (40, 8)] {
          places(keyWidth: keyWidth, rest: rest, activates: activates, dtype, &tally)
        }
      }
      if small { continue }
      pieces(dtype, &tally)
      suddenDecay(dtype, &tally)
      padding(dtype, &tally)
      silence(dtype, &tally)
      repeats(dtype, &tally)
      traces(dtype, &tally)
    }
  }

  /// Leaves memory full of NaNs behind, so that what a kernel does not write shows.
  private static func poison() {
    let device = Device.cuda(0)
    let large = Tensor.full([64 << 20], .nan, device: device)
    let small = (0..<64).map { _ in Tensor.full([100_000], .nan, device: device) }
    withExtendedLifetime((large, small)) {}
  }

  private static func forward(_ one: GatedDeltaRuleCase, _ tally: inout Tally) {
    withoutGradients {
      let x = one.inputs(Generator(seed: 7, device: .cuda(0)))
      let expected = one.reference(x)
      poison()
      let found = one.fast(x)
      tally.compare(
        "forward \(one)",
        [
          ("output", found[0], expected[0], bound(one.dtype)),
          ("memory", found[1], expected[1], bound(one.dtype)),
        ])
    }
  }

  private static func gradients(
    _ one: GatedDeltaRuleCase, _ form: ([Tensor]) -> [Tensor], _ x: [Tensor]
  ) -> [Tensor?] {
    let leaves = x.map { $0.detached().requiringGradient() }
    let results = form(leaves)
    return JetTensor.gradients(of: results, by: leaves, seeds: seeds(one, of: results))
  }

  private static func seeds(_ one: GatedDeltaRuleCase, of results: [Tensor]) -> [Tensor] {
    let generator = Generator(seed: 9, device: .cuda(0))
    return results.map {
      Tensor.randomNormal($0.shape, generator: generator).to(one.dtype).to($0.dtype)
    }
  }

  private static func gradients(_ one: GatedDeltaRuleCase, _ tally: inout Tally) {
    let x = one.inputs(Generator(seed: 8, device: .cuda(0)))
    compareGradients("gradients \(one)", one, x, &tally)
  }

  private static func compareGradients(
    _ title: String, _ one: GatedDeltaRuleCase, _ x: [Tensor], _ tally: inout Tally
  ) {
    // The definition's graph has some ten nodes a token: for many tokens, the form in chunks, as exact.
    let expected = gradients(one, one.tokens <= 200 ? one.reference : one.chunked, x)
    poison()
    let found = gradients(one, one.fast, x)
    var results: [(name: String, Tensor, Tensor, bound: Double)] = []
    for (i, name) in names.enumerated() {
      guard let a = found[i], let b = expected[i] else {
        tally.record(false, "\(title): none of \(name)")
        return
      }
      results.append((name, a, b, gradientBound(one.dtype)))
    }
    tally.compare(title, results)
  }

  /// Queries and keys that are pieces of a product, whose gradients are written where they belong. With three columns of
  /// `rest` the rows are not aligned, and silu is libtorch's.
  private static func places(
    keyWidth: Int, rest: Int, activates: Bool, _ dtype: DType, _ tally: inout Tally
  ) {
    let heads = 3
    let one = GatedDeltaRuleCase(
      tokens: 130, heads: heads, keyWidth: keyWidth, valueWidth: 64, activates: activates,
      dtype: dtype)
    let x = one.inputs(Generator(seed: 8, device: .cuda(0)))
    let lengths = [heads * keyWidth, heads * keyWidth, heads * 64, rest]
    let other = Tensor.randomNormal(
      [2, 130, rest], generator: Generator(seed: 9, device: .cuda(0)))
    let merged = Tensor.concatenate(x.prefix(3).map(\.mergedHeads) + [other.to(dtype)], dim: -1)
    func all(_ form: ([Tensor]) -> [Tensor]) -> Tensor? {
      let leaf = merged.detached().requiringGradient()
      let cut = JetKernels.pieces(of: leaf, lengths)
      let results = form(cut.prefix(3).map { $0.heads(heads) } + x.suffix(3)) + [cut[3]]
      return JetTensor.gradients(of: results, by: [leaf], seeds: seeds(one, of: results))[0]
    }
    let expected = FastForm.disabled { all(one.reference) }
    poison()
    guard let found = all(one.fast), let expected else {
      tally.record(false, "\(one): none of the product")
      return
    }
    tally.compare(
      "gradients of pieces \(lengths) \(one)",
      [("merged", found, expected, gradientBound(dtype))])
  }

  private static func pieces(_ dtype: DType, _ tally: inout Tally) {
    withoutGradients {
      let one = GatedDeltaRuleCase(tokens: 130, keyWidth: 24, valueWidth: 40, dtype: dtype)
      let x = one.inputs(Generator(seed: 7, device: .cuda(0)))
      let expected = one.reference(x)
      for cut in [1, 64, 70, 129] {
        func part(_ range: Range<Int>) -> [Tensor] { x.prefix(5).map { $0.slice(range, dim: 1) } }
        let first = one.fast(part(0..<cut) + [x[5]])
        let second = one.fast(part(cut..<130) + [first[1]])
        tally.compare(
          "\(dtype) in two calls, cut at \(cut)",
          [
            (
              "output", Tensor.concatenate([first[0], second[0]], dim: 1), expected[0], bound(dtype)
            ), ("memory", second[1], expected[1], bound(dtype)),
          ])
      }
    }
  }

  private static func suddenDecay(_ dtype: DType, _ tally: inout Tally) {
    withoutGradients {
      let one = GatedDeltaRuleCase(tokens: 64, keyWidth: 24, valueWidth: 40, dtype: dtype)
      for forgetting in [1.0, 30.0] {
        var x = one.inputs(Generator(seed: 7, device: .cuda(0)))
        let sudden =
          Tensor.range(0, to: 64, device: .cuda(0)).reshaped([1, 64, 1]) .< forgetting
        x[4] = (x[4] * 0.05).masked(sudden, with: -1000)
        let (found, expected) = (one.fast(x), one.reference(x))
        tally.compare(
          "\(dtype) after \(Int(forgetting)) tokens that forget all",
          [
            ("output", found[0], expected[0], bound(dtype)),
            ("memory", found[1], expected[1], bound(dtype)),
          ])
      }
    }
  }

  private static func padding(_ dtype: DType, _ tally: inout Tally) {
    withoutGradients {
      let one = GatedDeltaRuleCase(tokens: 70, keyWidth: 24, valueWidth: 40, dtype: dtype)
      var x = one.inputs(Generator(seed: 7, device: .cuda(0)))
      (x[3], x[4]) = (x[3] * 0, x[4] * 0)
      let found = one.fast(x)
      tally.record(
        found[1].array(of: Float.self) == x[5].array(of: Float.self),
        "\(dtype): tokens that neither write nor decay leave the memory bit for bit")
    }
  }

  /// Tokens that write nothing have gradients of their write strengths all the same.
  private static func silence(_ dtype: DType, _ tally: inout Tally) {
    let one = GatedDeltaRuleCase(tokens: 130, keyWidth: 24, valueWidth: 40, dtype: dtype)
    var x = one.inputs(Generator(seed: 8, device: .cuda(0)))
    let silent = Tensor.range(0, to: 130, device: .cuda(0)).reshaped([1, 130, 1]) .< 70
    x[3] = x[3].masked(silent, with: 0)
    compareGradients("\(dtype): gradients where tokens write nothing", one, x, &tally)
  }

  private static func repeats(_ dtype: DType, _ tally: inout Tally) {
    let one = GatedDeltaRuleCase(tokens: 300, heads: 8, keyWidth: 96, valueWidth: 80, dtype: dtype)
    let x = one.inputs(Generator(seed: 7, device: .cuda(0)))
    func bits() -> [[Float]] {
      gradients(one, one.fast, x).map { $0?.array(of: Float.self) ?? [] }
    }
    tally.record(bits() == bits(), "\(dtype): the same gradients twice, bit for bit")
  }

  /// What a forward pass leaves for the way back changes no bit of outputs or gradients.
  private static func traces(_ dtype: DType, _ tally: inout Tally) {
    for var one in GatedDeltaRuleCase.traced {
      one.dtype = dtype
      for (isCut, activates) in [(false, false), (true, false), (false, true), (true, true)] {
        (one.isCut, one.activates) = (isCut, activates)
        let x = one.inputs(Generator(seed: 7, device: .cuda(0)))
        let plain = withoutGradients { one.fast(x) }
        poison()
        let leaves = x.map { $0.detached().requiringGradient() }
        let results = one.fast(leaves)
        func bits(_ tensors: [Tensor?]) -> [[Float]] {
          tensors.map { $0?.detached().array(of: Float.self) ?? [] }
        }
        tally.record(
          bits(results) == bits(plain), "\(one): the same results with gradients as without")
        let incoming = seeds(one, of: results)
        let found = JetTensor.gradients(of: results, by: leaves, seeds: incoming)
        tally.record(
          bits(found) == bits(one.repeatingGradients(x, seeds: incoming)),
          "\(one): the same gradients as after another forward pass")
        let untraced = withoutTraces { one.fast(leaves) }
        tally.record(
          bits(untraced) == bits(plain)
            && bits(JetTensor.gradients(of: untraced, by: leaves, seeds: incoming)) == bits(found),
          "\(one): the same results and gradients where nothing is kept")
      }
    }
  }
}
