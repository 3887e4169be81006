import JetKernels
import JetTensor
import Testing

/// An operation with a memory: its definition token by token, its chunked form, and inputs for both.
struct Recurrence: Sendable, CustomTestStringConvertible {
  typealias Form = @Sendable (_ inputs: [Tensor], _ memory: inout Tensor) -> Tensor

  let testDescription: String
  /// Random inputs whose log decays are spread from 0 to minus twice the given size.
  let inputs: @Sendable (_ sizes: Sizes, _ decay: Double) -> [Tensor]
  let definition: Form
  let chunked: Form
  /// What a model calls, which chooses.
  let entry: Form

  /// B sequences of T tokens, H heads, key and value width.
  struct Sizes: Sendable {
    var batch = 2
    var tokens = 64
    var heads = 2
    var keyWidth = 16
    var valueWidth = 24

    var gate: [Int] { [batch, tokens, heads] }
    var key: [Int] { gate + [keyWidth] }
    var value: [Int] { gate + [valueWidth] }

    var memory: Tensor {
      .randomNormal([batch, heads, keyWidth, valueWidth], generator: Generator(seed: 2))
    }
  }

  static let all = [retention, gatedLinearAttention, generalizedDeltaRule]

  private static func keysAndValues(_ sizes: Sizes, _ generator: Generator) -> [Tensor] {
    [sizes.key, sizes.key, sizes.value].map { .randomNormal($0, generator: generator) }
  }

  private static func decays(_ shape: [Int], _ decay: Double, _ generator: Generator) -> Tensor {
    Tensor.randomUniform(shape, generator: generator) * (-2 * decay)
  }

  static let retention = Recurrence(
    testDescription: "retention",
    inputs: { sizes, decay in
      let generator = Generator(seed: 1)
      return keysAndValues(sizes, generator) + [decays(sizes.gate, decay, generator)]
    },
    definition: { x, memory in
      retentionDefinition(
        query: x[0], key: x[1], value: x[2], logDecay: x[3], memory: &memory, scale: 0.25)
    },
    chunked: { x, memory in
      retentionChunked(
        query: x[0], key: x[1], value: x[2], logDecay: x[3], memory: &memory, scale: 0.25)
    },
    entry: { x, memory in
      JetKernels.retention(
        query: x[0], key: x[1], value: x[2], logDecay: x[3], memory: &memory, scale: 0.25)
    })

  static let gatedLinearAttention = Recurrence(
    testDescription: "gated linear attention",
    inputs: { sizes, decay in
      let generator = Generator(seed: 1)
      return keysAndValues(sizes, generator) + [decays(sizes.key, decay, generator)]
    },
    definition: { x, memory in
      gatedLinearAttentionDefinition(
        query: x[0], key: x[1], value: x[2], logDecay: x[3], memory: &memory, scale: 0.25)
    },
    chunked: { x, memory in
      gatedLinearAttentionChunked(
        query: x[0], key: x[1], value: x[2], logDecay: x[3], memory: &memory, scale: 0.25)
    },
    entry: { x, memory in
      JetKernels.gatedLinearAttention(
        query: x[0], key: x[1], value: x[2], logDecay: x[3], memory: &memory, scale: 0.25)
    })

  static let generalizedDeltaRule = Recurrence(
    testDescription: "generalized delta rule",
    inputs: { sizes, decay in
      let generator = Generator(seed: 1)
      let removed = unitRows(.randomNormal(sizes.key, generator: generator))
      let rate = sigmoid(.randomNormal(sizes.key, generator: generator))
      let others = [-removed, removed * rate, decays(sizes.key, decay, generator)]
      return keysAndValues(sizes, generator) + others
    },
    definition: { x, memory in
      generalizedDeltaRuleDefinition(
        query: x[0], key: x[1], value: x[2], recallKey: x[3], rewriteKey: x[4], logDecay: x[5],
        memory: &memory)
    },
    chunked: { x, memory in
      generalizedDeltaRuleChunked(
        query: x[0], key: x[1], value: x[2], recallKey: x[3], rewriteKey: x[4], logDecay: x[5],
        memory: &memory)
    },
    entry: { x, memory in
      JetKernels.generalizedDeltaRule(
        query: x[0], key: x[1], value: x[2], recallKey: x[3], rewriteKey: x[4], logDecay: x[5],
        memory: &memory)
    })
}
