import Foundation
import JetKernels
import JetTensor
import JetTestSupport
import Testing

@testable import JetModels

/// A mixer of each kind for any widths of its heads.
private let kinds:
  [@Sendable (_ keyWidth: Int, _ valueWidth: Int) -> any LinearMixerConfiguration] =
    [
      { RetNetConfiguration(heads: 2, keyWidth: $0, valueWidth: $1) },
      { GLAConfiguration(heads: 2, keyWidth: $0, valueWidth: $1) },
      { DeltaNetConfiguration(heads: 2, keyWidth: $0, valueWidth: $1) },
      { GatedDeltaNetConfiguration(heads: 2, keyWidth: $0, valueWidth: $1) },
      { Mamba2Configuration(heads: 2, keyWidth: $0, valueWidth: $1) },
      { RWKV7Configuration(heads: 2, keyWidth: $0, valueWidth: $1, width: 32) },
      { JetBlockConfiguration(heads: 2, keyWidth: $0, valueWidth: $1) },
      {
        JetBlockConfiguration(
          heads: 2, keyWidth: $0, valueWidth: $1, convolved: .queriesKeysAndValues)
      },
    ]

@Suite("Linear mixers")
struct LinearMixerTests {
  @Test(
    "heads of 16 to 256 channels give the same whole, in pieces and token by token",
    arguments: kinds.indices, [(16, 16), (16, 256), (64, 48), (96, 128), (256, 256)])
  func headWidths(kind: Int, widths: (Int, Int)) throws {
    let configuration = kinds[kind](widths.0, widths.1)
    try configuration.validate()
    let store = ParameterStore(source: nil, dtype: .float32)
    let layer = try configuration.makeMixer(TinyModels.configuration([], width: 32), store.root)
    let x = Tensor.randomNormal([2, 70, 32], generator: Generator(seed: 3))
    let whole = FastForm.disabled { configuration.output(of: layer, x, pieces: [70]) }
    for pieces in [[70], [33, 37], Array(repeating: 1, count: 70)] {
      let result = configuration.output(of: layer, x, pieces: pieces)
      #expect(relativeError(result, whole) < 1e-4, "\(pieces.count) pieces")
    }
  }

  @Test("impossible sizes are refused with a sentence", arguments: kinds.indices)
  func refusals(kind: Int) {
    #expect(throws: ModelError.self) { try kinds[kind](0, 16).validate() }
    #expect(throws: ModelError.self) { try kinds[kind](16, 1 << 20).validate() }
  }

  @Test("a mixer's configuration survives being written and read")
  func coding() throws {
    for mixer in TinyModels.mixers.map(\.mixer) {
      let data = try JSONEncoder().encode(mixer)
      #expect(try JSONDecoder().decode(MixerConfiguration.self, from: data) == mixer)
    }
  }

  @Test("kinds have distinct names")
  func kindNames() {
    let names = kinds.map { type(of: $0(16, 16)).kind }
    #expect(Set(names).count == kinds.count - 1, "JetBlock is there twice")
  }

  @Test("a layer in bfloat16 stays near the one in float32", arguments: kinds.indices)
  func bfloat16(kind: Int) throws {
    let configuration = kinds[kind](32, 48)
    let model = TinyModels.configuration([], width: 32)
    let exact = ParameterStore(source: nil, dtype: .float32, seed: 4)
    let rounded = ParameterStore(source: nil, dtype: .bfloat16, seed: 4)
    let x = Tensor.randomNormal([1, 40, 32], generator: Generator(seed: 3))
    let expected = configuration.output(
      of: try configuration.makeMixer(model, exact.root), x, pieces: [40])
    let layer = try configuration.makeMixer(model, rounded.root)
    for pieces in [[40], [30, 1, 9]] {
      let result = configuration.output(of: layer, x.to(.bfloat16), pieces: pieces)
      #expect(result.dtype == .bfloat16)
      #expect(relativeError(result.float32, expected) < 0.05)
    }
  }
}
