import JetKernels
import JetTensor
import JetTestSupport
import Testing

@testable import JetModels

@Suite("Gated DeltaNet")
struct GatedDeltaNetTests {
  let golden: StoredNumbers
  let layer: GatedDeltaNet

  init() throws {
    golden = try StoredNumbers(fixture: "fla-mixers/gated_deltanet.safetensors")
    let store = ParameterStore(
      source: StoredParameters(golden, prefix: "param."), dtype: .float32)
    layer = try GatedDeltaNet(
      GatedDeltaNetConfiguration(heads: 2, keyWidth: 64, valueWidth: 128),
      TinyModels.configuration([], width: 128), store.root)
  }

  private func output(pieces: [Int]) throws -> Tensor {
    let x = try golden.numbers("input")
    var state: RecurrentState? = layer.configuration.state(
      sequences: 2, dtype: .float32, device: .cpu)
    var start = 0
    let parts = pieces.map { length in
      let piece = x.slice(start..<start + length, dim: 1)
      let batch = TokenBatch(Tensor.zeros([2, length], dtype: .int64))
      let context = ForwardContext(
        starts: [start, start], batch: batch, rotary: RotaryConfiguration(theta: 1e4))
      start += length
      return withoutGradients { layer(piece, state: &state, context) }
    }
    return Tensor.concatenate(parts, dim: 1)
  }

  @Test(
    "the output is that of flash-linear-attention, whole and in pieces",
    arguments: [[50], [1, 49], [20, 11, 1, 1, 17], Array(repeating: 1, count: 50)], [true, false])
  func golden(pieces: [Int], fast: Bool) throws {
    let y = fast ? try output(pieces: pieces) : try FastForm.disabled { try output(pieces: pieces) }
    #expect(relativeError(y, try golden.numbers("output")) < 1e-5)
  }
}
