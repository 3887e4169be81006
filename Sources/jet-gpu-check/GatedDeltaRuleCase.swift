import JetKernels
import JetTensor

/// The sizes of one comparison.
struct GatedDeltaRuleCase: CustomStringConvertible {
  var batch = 2
  var tokens: Int
  var heads = 3
  var keyWidth: Int
  var valueWidth: Int
  var normalizes = true
  /// Whether query and key pass `silu` first.
  var activates = false
  /// Whether query, key and value are cut out of one wider tensor.
  var isCut = false
  var dtype = DType.float32

  var description: String {
    "\(dtype) \(batch)×\(tokens)×\(heads)×(\(keyWidth), \(valueWidth))"
      + (normalizes ? "" : " as they are") + (activates ? " activated" : "") + (isCut ? " cut" : "")
  }

  /// Floating-point operations, forward: three products with the memory, two of 64 × 64 with the values and two of the
  /// keys. Gradients take twice as many.
  var operations: Double {
    let (key, value, chunk) = (Double(keyWidth), Double(valueWidth), 64.0)
    return 2 * Double(batch * tokens * heads)
      * (3 * key * value + 2 * chunk * value + 2 * chunk * key)
  }

  /// Token counts around the chunk of 64, widths that are and are not multiples of anything.
  static let all = [
    GatedDeltaRuleCase(tokens: 1, keyWidth: 16, valueWidth: 24),
    GatedDeltaRuleCase(batch: 5, tokens: 1, keyWidth: 40, valueWidth: 17, normalizes: false),
    GatedDeltaRuleCase(batch: 1, tokens: 2, heads: 5, keyWidth: 3, valueWidth: 5),
    GatedDeltaRuleCase(tokens: 2, keyWidth: 256, valueWidth: 24),
    GatedDeltaRuleCase(tokens: 63, keyWidth: 24, valueWidth: 40),
    GatedDeltaRuleCase(batch: 1, tokens: 64, heads: 1, keyWidth: 64, valueWidth: 64),
    GatedDeltaRuleCase(batch: 1, tokens: 64, heads: 2, keyWidth: 200, valueWidth: 136),
    GatedDeltaRuleCase(tokens: 65, keyWidth: 96, valueWidth: 33, normalizes: false),
    GatedDeltaRuleCase(batch: 1, tokens: 65, heads: 2, keyWidth: 128, valueWidth: 256),
    GatedDeltaRuleCase(batch: 1, tokens: 200, keyWidth: 96, valueWidth: 256),
    GatedDeltaRuleCase(tokens: 130, keyWidth: 13, valueWidth: 96),
    GatedDeltaRuleCase(batch: 1, tokens: 1000, heads: 2, keyWidth: 24, valueWidth: 40),
    GatedDeltaRuleCase(batch: 3, tokens: 1000, heads: 50, keyWidth: 64, valueWidth: 64),
    // Heads of three blocks.
    GatedDeltaRuleCase(batch: 1, tokens: 130, heads: 2, keyWidth: 64, valueWidth: 192),
    // More chunks than wait in shared memory, for heads of four blocks, of two, and of four with a ragged last one.
    GatedDeltaRuleCase(batch: 1, tokens: 1000, heads: 2, keyWidth: 96, valueWidth: 256),
    GatedDeltaRuleCase(batch: 3, tokens: 500, heads: 50, keyWidth: 64, valueWidth: 120),
    GatedDeltaRuleCase(batch: 2, tokens: 500, heads: 40, keyWidth: 128, valueWidth: 200),
  ]

  /// Heads of sixteen blocks. For bfloat16 only: float32 sums of so many columns are off by up to 1.5e-5 in gradients, which
  /// is more than the bound of the others.
  static let wide = GatedDeltaRuleCase(
    batch: 1, tokens: 70, heads: 2, keyWidth: 96, valueWidth: 1024, dtype: .bfloat16)

  /// A single chunk, and more of them than wait in shared memory, for each padded key width that has transitions.
  static let traced = [
    GatedDeltaRuleCase(tokens: 50, keyWidth: 40, valueWidth: 33),
    GatedDeltaRuleCase(batch: 3, tokens: 500, heads: 50, keyWidth: 64, valueWidth: 120),
    GatedDeltaRuleCase(tokens: 700, heads: 8, keyWidth: 96, valueWidth: 256),
    GatedDeltaRuleCase(tokens: 500, heads: 40, keyWidth: 128, valueWidth: 200),
  ]

  /// Query, key, value, write strength, log decay and memory.
  func inputs(_ generator: Generator) -> [Tensor] {
    let deviation = normalizes ? 1 : 1 / Double(keyWidth).squareRoot()
    func normal(_ shape: [Int]) -> Tensor { Tensor.randomNormal(shape, generator: generator) }
    let widths = [keyWidth, keyWidth, valueWidth]
    var mixable: [Tensor]
    if isCut {
      // Three elements too many, so that nothing is aligned.
      let whole = normal([batch, tokens, heads * widths.reduce(0, +) + 3]).to(dtype)
      mixable = whole.split(widths.map { $0 * heads } + [3], dim: -1).prefix(3).enumerated().map {
        $1.reshaped([batch, tokens, heads, widths[$0]])
      }
    } else {
      mixable = widths.map { normal([batch, tokens, heads, $0]).to(dtype) }
    }
    if !normalizes { for i in 0..<2 { mixable[i] = (mixable[i] * deviation).to(dtype) } }
    let gates = [batch, tokens, heads]
    return mixable + [
      sigmoid(normal(gates)), -softplus(normal(gates) * 3 - 2),
      normal([batch, heads, keyWidth, valueWidth]),
    ]
  }

  /// Output and memory by the entry, which takes our kernel.
  func fast(_ x: [Tensor]) -> [Tensor] {
    var memory = x[5].requiresGradient ? x[5] : x[5].clone()
    let y = gatedDeltaRule(
      query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4], memory: &memory,
      scale: scale, normalizes: normalizes, activates: activates)
    return [y, memory]
  }

  /// Output and memory by the definition, in float32.
  func reference(_ x: [Tensor]) -> [Tensor] {
    var memory = x[5]
    let y = gatedDeltaRuleDefinition(
      query: activated(x[0]).float32, key: activated(x[1]).float32, value: x[2].float32,
      writeStrength: x[3], logDecay: x[4], memory: &memory, scale: scale, normalizes: normalizes)
    return [y, memory]
  }

  /// Output and memory by plain tensor operations in chunks, in float32.
  func chunked(_ x: [Tensor]) -> [Tensor] {
    var memory = x[5]
    let y = gatedDeltaRuleChunked(
      query: activated(x[0]).float32, key: activated(x[1]).float32, value: x[2].float32,
      writeStrength: x[3], logDecay: x[4], memory: &memory, scale: scale, normalizes: normalizes)
    return [y, memory]
  }

  /// The gradients of the inputs by the operator that knows nothing of a forward pass and repeats it.
  func repeatingGradients(_ x: [Tensor], seeds: [Tensor]) -> [Tensor] {
    let inputs = x.map { $0.detached() }
    return Operator("jet::gated_delta_rule_backward").all(
      .tensor(seeds[0]), .tensor(seeds[1]), .tensor(inputs[0]), .tensor(inputs[1]),
      .tensor(inputs[2]), .tensor(inputs[3]), .tensor(inputs[4]), .tensor(inputs[5]),
      .double(scale), .bool(normalizes), .bool(activates), capacity: 6)
  }

  private func activated(_ x: Tensor) -> Tensor { activates ? silu(x) : x }

  private var scale: Double { 1 / Double(keyWidth).squareRoot() }
}
