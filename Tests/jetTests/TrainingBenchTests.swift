import JetInference
import JetKernels
import JetModels
import JetTensor
import Testing

@testable import jet

struct TrainingBenchTests {
  private static let configuration = ModelConfiguration(
    family: .llama, vocabularySize: 40, width: 32, mlpWidth: 64,
    mixers: Array(
      repeating: .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 16)),
      count: 4),
    normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 256,
    tiesEmbeddings: true)

  @Test(arguments: TrainingStudent.allCases)
  func `a bfloat16 step of every student is near that in float32`(
    student: TrainingStudent
  ) throws {
    let check = try TrainingCheck.run(
      Self.configuration, student: student, loss: .layers, dtype: .bfloat16, device: .cpu)
    #expect(check.lossError <= TrainingCheck.lossBound, "\(check)")
    #expect(check.gradientError < 0.2, "\(check)")
  }

  @Test(arguments: TrainingBench.Loss.allCases)
  func `a run gives finite rates and the time of each part`(loss: TrainingBench.Loss) throws {
    let teacher = try HybridModel(
      Self.configuration, parameters: ParameterStore(source: nil, dtype: .bfloat16))
    let bench = try TrainingBench(
      teacher: teacher, mixer: .gatedDeltaNet, kept: [2], loss: loss,
      shape: TrainingBench.Shape(sequences: 2, length: 20), chunkRows: 16, recomputes: true)
    let result = try bench.measure(steps: 1, runs: 2, matrixRate: 1e9)
    #expect(result.tokensPerSecond.minimum > 0 && result.tokensPerSecond.maximum < .infinity)
    #expect(result.operationsPerSecond > 0 && result.share > 0)
    let parts = Set(["teacher", "forward", "backward", "optimizer"])
    #expect(
      Set(result.partSeconds.keys) == (loss == .layers ? parts : parts.union(["logits"])))
  }

  @Test func `a check that found no number does not hold`() {
    #expect(TrainingCheck(lossError: 0, gradientError: 0, normError: 0).holds)
    #expect(!TrainingCheck(lossError: .nan, gradientError: 0, normError: 0).holds)
    #expect(!TrainingCheck(lossError: 0, gradientError: 0.5, normError: 0).holds)
  }
}
