import JetKernels
import JetModels
import JetTensor
import Testing

struct ModelCostTests {
  private func configuration(tied: Bool) -> ModelConfiguration {
    ModelConfiguration(
      family: .jetNemotron, vocabularySize: 40, width: 24, mlpWidth: 48,
      mixers: [
        .jet(JetBlockConfiguration(heads: 2, keyWidth: 8, valueWidth: 12)),
        .attention(
          AttentionConfiguration(
            heads: 4, keyValueHeads: 2, headWidth: 8, hasBias: true,
            normalizesQueriesAndKeys: true)),
        .attention(AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 8, window: 5)),
      ],
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 100,
      tiesEmbeddings: tied)
  }

  @Test(arguments: [true, false])
  func `the number of parameters is that of the model when it is built`(tied: Bool) throws {
    let configuration = TinyModels.configuration(TinyModels.mixers.map(\.mixer), tied: tied)
    let store = ParameterStore(source: nil, dtype: .float32)
    _ = try HybridModel(configuration, parameters: store)
    #expect(configuration.parameterCount == store.elementCount)
  }

  @Test func `a step reads the context up to the window and writes one token`() {
    let configuration = configuration(tied: true)
    let traffic = configuration.stepTraffic(context: 50, sequences: 3, dtype: .bfloat16)
    let token = 2 * 2 * 8 * 2
    let memory = 2 * 8 * 12 * 4 + 2 * 12 * 4 * 2
    #expect(traffic.weightBytes == configuration.parameterCount * 2)
    #expect(traffic.stateReadBytes == 3 * (50 * token + 5 * token + memory))
    #expect(traffic.stateWrittenBytes == 3 * (2 * token + memory))
    #expect(
      traffic.bytes
        == traffic.weightBytes + traffic.stateReadBytes + traffic.stateWrittenBytes)
  }

  @Test func `an embedding of its own is not read by a step`() {
    let (tied, untied) = (configuration(tied: true), configuration(tied: false))
    func weights(_ configuration: ModelConfiguration) -> Int {
      configuration.stepTraffic(context: 1, sequences: 1, dtype: .float32).weightBytes
    }
    #expect(weights(tied) == weights(untied))
  }

  @Test func `reading in two parts takes the operations of one, and a head more`() {
    let configuration = configuration(tied: true)
    let whole = configuration.prefillOperations(tokens: 30, past: 0)
    let parts =
      configuration.prefillOperations(tokens: 11, past: 0)
      + configuration.prefillOperations(tokens: 19, past: 11)
    #expect(parts - whole == 2 * 40 * 24)
  }
}
