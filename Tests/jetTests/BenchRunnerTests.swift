import JetKernels
import JetModels
import JetTensor
import Testing

@testable import jet

struct BenchRunnerTests {
  @Test(arguments: [1, 3], [0, 9])
  func `a run of several sequences gives finite rates of both phases`(
    batch: Int, depth: Int
  ) throws {
    let model = try HybridModel(
      ModelConfiguration(
        family: .jetNemotron, vocabularySize: 40, width: 32, mlpWidth: 64,
        mixers: [
          .jet(JetBlockConfiguration(heads: 2, keyWidth: 8, valueWidth: 16)),
          .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 16)),
        ],
        normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 64,
        tiesEmbeddings: true),
      parameters: ParameterStore(source: nil, dtype: .bfloat16))
    let rates = MachineRates(readBytesPerSecond: 1e9, matrixOperationsPerSecond: 1e9)
    var runner = BenchRunner(model, chunkTokens: 4, repeats: 2, rates: rates)
    let results = try runner.run(batch: batch, depth: depth, tokens: 10, generated: 3)
    #expect(results.map(\.phase) == [.prefill, .decode])
    for result in results {
      let rate = result.tokensPerSecond
      #expect(rate.minimum > 0 && rate.maximum < .infinity && result.share > 0)
      #expect(rate.minimum <= rate.median && rate.median <= rate.maximum)
    }
    let twice = MachineRates(readBytesPerSecond: 2e9, matrixOperationsPerSecond: 4e9)
    let compared = results.map { $0.compared(with: rates.highest(twice), insteadOf: rates) }
    #expect(abs(compared[0].share * 4 / results[0].share - 1) < 1e-9)
    #expect(abs(compared[1].share * 2 / results[1].share - 1) < 1e-9)
    #expect(
      results[1].stepBytes
        == model.configuration.stepTraffic(
          context: depth + 2, sequences: batch, dtype: .bfloat16
        ).bytes)
  }
}
