import JetKernels
import JetTensor
import JetTestSupport
import Testing

@testable import JetModels

/// A layer of another implementation, with its constructor's arguments as the metadata of its file names them.
struct GoldenMixer: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let file: String
  let configuration: any LinearMixerConfiguration

  static let all = [
    GoldenMixer(
      testDescription: "RetNet", file: "retnet",
      configuration: RetNetConfiguration(heads: 2, keyWidth: 64, valueWidth: 128)),
    GoldenMixer(
      testDescription: "GLA", file: "gla",
      configuration: GLAConfiguration(heads: 2, keyWidth: 32, valueWidth: 64)),
    GoldenMixer(
      testDescription: "DeltaNet", file: "deltanet",
      configuration: DeltaNetConfiguration(heads: 2, keyWidth: 64, valueWidth: 64)),
    GoldenMixer(
      testDescription: "Gated DeltaNet", file: "gated_deltanet",
      configuration: GatedDeltaNetConfiguration(heads: 2, keyWidth: 64, valueWidth: 128)),
    GoldenMixer(
      testDescription: "JetBlock with static convolutions on queries, keys and values",
      file: "gated_deltanet",
      configuration: JetBlockConfiguration(
        heads: 2, keyWidth: 64, valueWidth: 128, kernels: .fixed,
        convolved: .queriesKeysAndValues)),
    GoldenMixer(
      testDescription: "Mamba2", file: "mamba2",
      configuration: Mamba2Configuration(heads: 4, keyWidth: 64, valueWidth: 64)),
    GoldenMixer(
      testDescription: "RWKV7", file: "rwkv7",
      configuration: RWKV7Configuration(heads: 2, keyWidth: 64, valueWidth: 64, width: 128)),
  ]
}

@Suite("Linear mixers against other implementations")
struct LinearMixerGoldenTests {
  @Test(
    "the output is the stored one, whole, in pieces and token by token", arguments: GoldenMixer.all,
    [[50], [1, 49], [20, 11, 1, 1, 17], Array(repeating: 1, count: 50)])
  func output(mixer: GoldenMixer, pieces: [Int]) throws {
    let golden = try StoredNumbers(fixture: "fla-mixers/\(mixer.file).safetensors")
    let source = StoredParameters(golden, prefix: "param.")
    let store = ParameterStore(source: source, dtype: .float32)
    let layer = try mixer.configuration.makeMixer(
      TinyModels.configuration([], width: 128), store.root)
    let input = try golden.numbers("input")
    let expected = try golden.numbers("output")
    let fast = mixer.configuration.output(of: layer, input, pieces: pieces)
    #expect(relativeError(fast, expected) < 1e-5)
    let defined = FastForm.disabled {
      mixer.configuration.output(of: layer, input, pieces: pieces)
    }
    #expect(relativeError(defined, expected) < 1e-5)
  }

  @Test("every stored parameter is used", arguments: GoldenMixer.all)
  func names(mixer: GoldenMixer) throws {
    let golden = try StoredNumbers(fixture: "fla-mixers/\(mixer.file).safetensors")
    let store = ParameterStore(
      source: StoredParameters(golden, prefix: "param."), dtype: .float32)
    _ = try mixer.configuration.makeMixer(TinyModels.configuration([], width: 128), store.root)
    let stored = golden.names.filter { $0.hasPrefix("param.") }
    #expect(Set(stored) == Set(store.parameters.map { "param.\($0.name)" }))
  }
}

extension LinearMixerConfiguration {
  /// The output for `x` `[B, T, D]` fed in pieces of the given lengths, with carried state.
  func output(of layer: any LinearMixer, _ x: Tensor, pieces: [Int]) -> Tensor {
    var carried: RecurrentState? = state(sequences: x.dim(0), dtype: x.dtype, device: .cpu)
    var start = 0
    return withoutGradients {
      let parts = pieces.map { length in
        let piece = x.slice(start..<start + length, dim: 1)
        let batch = TokenBatch(Tensor.zeros([x.dim(0), length], dtype: .int64))
        let context = ForwardContext(
          starts: Array(repeating: start, count: x.dim(0)), batch: batch,
          rotary: RotaryConfiguration(theta: 1e6))
        start += length
        return layer(piece, state: &carried, context)
      }
      return Tensor.concatenate(parts, dim: 1)
    }
  }
}
