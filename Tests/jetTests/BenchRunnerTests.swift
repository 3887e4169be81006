import JetKernels
import JetModels
import JetTensor
import Testing

@testable import jet

struct BenchRunnerTests {
  @Test(arguments: [(1, 0), (3, 9)], BenchRunner.Fill.allCases)
  func `a run of several sequences gives finite rates of both phases`(
    size: (batch: Int, depth: Int), fill: BenchRunner.Fill
  ) throws {
    let (batch, depth) = size
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
    var runner = BenchRunner(model, chunkTokens: 4, repeats: 2, fill: fill)
    let results = try runner.run(batch: batch, depth: depth, tokens: 10, generated: 3)
    #expect(results.map(\.phase) == [.prefill, .decode])
    for result in results {
      let rate = result.tokensPerSecond
      #expect(rate.minimum > 0 && rate.maximum < .infinity)
      #expect(result.share.minimum > 0 && result.share.maximum < .infinity)
      #expect(rate.minimum <= rate.median && rate.median <= rate.maximum)
    }
    #expect(runner.machine[.multiplying]?.count == 2 && runner.machine[.reading]?.count == 2)
    #expect(
      results[1].stepBytes
        == model.configuration.stepTraffic(
          context: depth + 2, sequences: batch, dtype: .bfloat16
        ).bytes)
  }
}
