import Foundation
import JetTensor

@testable import JetKernels

/// The sizes of one call of the gated delta rule.
struct DeltaRuleSize: Sendable, CustomStringConvertible {
  var batch = 2
  let tokens: Int
  var heads = 3
  let keyWidth: Int
  let valueWidth: Int
  var normalizes = true

  var description: String {
    "\(batch)×\(tokens) tokens, \(heads) heads, \(keyWidth)×\(valueWidth)"
      + (normalizes ? "" : ", as they are")
  }

  /// All token counts and all kinds of widths, each at least once; key and value widths differ in most.
  static let all = [
    DeltaRuleSize(tokens: 1, keyWidth: 16, valueWidth: 24),
    DeltaRuleSize(batch: 1, tokens: 1, heads: 1, keyWidth: 96, valueWidth: 256),
    DeltaRuleSize(batch: 5, tokens: 1, keyWidth: 40, valueWidth: 17, normalizes: false),
    DeltaRuleSize(batch: 1, tokens: 2, heads: 5, keyWidth: 1, valueWidth: 3),
    DeltaRuleSize(tokens: 2, keyWidth: 256, valueWidth: 24),
    DeltaRuleSize(tokens: 5, keyWidth: 13, valueWidth: 96, normalizes: false),
    DeltaRuleSize(tokens: 63, keyWidth: 24, valueWidth: 40),
    DeltaRuleSize(batch: 1, tokens: 64, keyWidth: 40, valueWidth: 16),
    DeltaRuleSize(batch: 1, tokens: 64, heads: 1, keyWidth: 200, valueWidth: 136),
    DeltaRuleSize(tokens: 65, keyWidth: 96, valueWidth: 33, normalizes: false),
    DeltaRuleSize(batch: 1, tokens: 65, heads: 2, keyWidth: 64, valueWidth: 256),
    DeltaRuleSize(batch: 1, tokens: 200, keyWidth: 96, valueWidth: 96),
    DeltaRuleSize(batch: 1, tokens: 1000, heads: 2, keyWidth: 24, valueWidth: 40),
  ]
}

/// A way to compute the gated delta rule.
enum DeltaRuleForm: CaseIterable, Sendable {
  case definition, chunkedInSwift, chunkedKernel, stepKernel, entry

  /// Output and memory of query, key, value, write strength, decay and memory, none of which is changed.
  func callAsFunction(
    _ x: [Tensor], normalizes: Bool = true, layout: Layout = .whole
  ) -> [Tensor] {
    var memory = x[5]
    let scale = 1 / Double(x[0].dim(3)).squareRoot()
    switch self {
    case .definition:
      let y = gatedDeltaRuleDefinition(
        query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4],
        memory: &memory, scale: scale, normalizes: normalizes)
      return [y, memory]
    case .chunkedInSwift:
      let y = gatedDeltaRuleChunked(
        query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4],
        memory: &memory, scale: scale, normalizes: normalizes)
      return [y, memory]
    case .entry:
      // Where gradients are asked for, a copy would be no leaf, and the memory is not written in place.
      if !memory.requiresGradient { memory = layout.laid(memory) }
      let y = gatedDeltaRule(
        query: x[0], key: x[1], value: x[2], writeStrength: x[3], logDecay: x[4],
        memory: &memory, scale: scale, normalizes: normalizes)
      return [y, memory]
    case .chunkedKernel, .stepKernel:
      memory = layout.laid(memory)
      let y =
        self == .stepKernel
        ? Kernels.gatedDeltaRuleStep(
          .tensor(x[0]), .tensor(x[1]), .tensor(x[2]), .tensor(x[3].float32),
          .tensor(x[4].float32), .tensor(memory), .double(scale), .bool(normalizes))
        : Kernels.gatedDeltaRuleChunked(
          .tensor(x[0]), .tensor(x[1]), .tensor(x[2]), .tensor(x[3].float32),
          .tensor(x[4].float32), .tensor(memory), .double(scale), .bool(normalizes), .bool(false))
      return [y, memory]
    }
  }
}

extension DeltaRuleSize {
  /// Query, key, value, write strength, decay and memory; the memory is float32 in every way.
  func inputs(_ numbers: Numbers, decay: Double = 3) -> [Tensor] {
    // Rows that are not normalized get about unit length, as a model would give them.
    let deviation = normalizes ? 1 : 1 / Double(keyWidth).squareRoot()
    func normal(_ width: Int, _ deviation: Double) -> Tensor {
      numbers.normal([batch, tokens, heads, width], deviation: deviation)
    }
    return [
      normal(keyWidth, deviation), normal(keyWidth, deviation), normal(valueWidth, 1),
      numbers.laid(sigmoid(numbers.plain([batch, tokens, heads]))),
      numbers.laid(-softplus(numbers.plain([batch, tokens, heads]) * decay - 2)),
      numbers.plain([batch, heads, keyWidth, valueWidth]),
    ]
  }
}

/// The tokens `range` of a call's inputs.
func tokens(_ range: Range<Int>, of x: [Tensor]) -> [Tensor] {
  x.prefix(5).map { $0.slice(range, dim: 1) } + [x[5]]
}
