import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@Suite struct AssemblyTests {
  private static let attention = MixerConfiguration.attention(
    AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8, hasBias: true))
  private static let jet = MixerConfiguration.jet(
    JetBlockConfiguration(heads: 2, keyWidth: 8, valueWidth: 16))

  private func model(
    _ mixers: [MixerConfiguration], dtype: DType = .float32, seed: UInt64
  ) throws -> HybridModel {
    let configuration = ModelConfiguration(
      family: .jetNemotron, vocabularySize: 50, width: 16, mlpWidth: 24, mixers: mixers,
      normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 64,
      tiesEmbeddings: false, initializerDeviation: 0.2)
    return try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: dtype, seed: seed))
  }

  @Test func parametersAreThoseThatTheModelWouldMake() throws {
    let a = try model([Self.attention, Self.attention], seed: 1)
    let b = try model([Self.jet, Self.jet], seed: 2)
    let mixed = try HybridModel.assembled(base: a, mixers: [MixerSource(b), MixerSource(a)])
    let made = try model([Self.jet, Self.attention], seed: 3)
    #expect(mixed.configuration == made.configuration)
    #expect(mixed.parameters.parameters.map(\.name) == made.parameters.parameters.map(\.name))
    #expect(
      mixed.parameters.parameters.map(\.tensor.shape)
        == made.parameters.parameters.map(\.tensor.shape))
    #expect(mixed.parameters.leafNames == made.parameters.leafNames)
    // With the same values it is the same model.
    for (own, other) in zip(made.parameters.parameters, mixed.parameters.parameters) {
      own.tensor.assign(other.tensor)
    }
    let batch = TokenBatch([[3, 1, 4, 1, 5, 9, 2, 6]])
    #expect(relativeError(mixed.logits(mixed(batch)), made.logits(made(batch))) == 0)
  }

  @Test func onlyTheWindowOfAttentionChanges() throws {
    let a = try model([Self.attention, Self.attention], seed: 1)
    func assembled(_ mixer: MixerConfiguration) throws -> HybridModel {
      try .assembled(base: a, mixers: [MixerSource(a, as: mixer), MixerSource(a)])
    }
    let windowed = MixerConfiguration.attention(
      AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8, hasBias: true, window: 3))
    #expect(try assembled(windowed).configuration.mixers == [windowed, Self.attention])
    for other in [
      Self.jet,
      .attention(AttentionConfiguration(heads: 2, keyValueHeads: 2, headWidth: 8, hasBias: true)),
      .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8, window: 3)),
    ] {
      let error = #expect(throws: ModelError.self) { try assembled(other) }
      #expect(error?.description.contains("only the window") == true)
    }
    #expect(throws: ModelError.self) {
      try HybridModel.assembled(base: a, mixers: [MixerSource(a)])
    }
    let half = try model([Self.attention, Self.attention], dtype: .bfloat16, seed: 1)
    #expect(throws: ModelError.self) {
      try HybridModel.assembled(base: a, mixers: [MixerSource(half), MixerSource(a)])
    }
  }
}
