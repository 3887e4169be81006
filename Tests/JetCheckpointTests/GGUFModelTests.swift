import Foundation
import JetFormats
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetCheckpoint

@Suite("Models of GGUF files")
struct GGUFModelTests {
  @Test(
    "A converted model has the configuration and the bits of the one it was made from",
    arguments: ["llama", "llama, tied", "qwen2", "qwen3"])
  func roundTrip(name: String) throws {
    let configuration = try #require(TinyModels.all[name])
    let model = try TinyModels.random(configuration, dtype: .float32)
    let checkpoint = try open(GGUFBytes(model))
    var expected = configuration
    expected.initializerDeviation = checkpoint.configuration.initializerDeviation
    #expect(checkpoint.configuration == expected)
    #expect(checkpoint.defaultDType == .float32)
    #expect(try checkpoint.model().parameterBytes == model.parameterBytes)
    #expect(try checkpoint.endTokens() == [2, 3])
  }

  @Test("The rows of biases are put in order as those of weights")
  func biases() throws {
    var configuration = TinyModels.model(.qwen2)
    configuration.family = .llama
    let model = try TinyModels.random(configuration, dtype: .float32)
    let loaded = try open(GGUFBytes(model)).model()
    #expect(loaded.parameterBytes == model.parameterBytes)
  }

  @Test("Where keys are missing, the defaults are those of llama.cpp")
  func defaults() throws {
    let model = try TinyModels.random(Self.plain(.llama), dtype: .float32)
    var file = GGUFBytes(model)
    for key in ["attention.head_count_kv", "attention.key_length", "rope.freq_base"] {
      file["llama.\(key)"] = nil
    }
    let configuration = try open(file).configuration
    #expect(configuration.rotary.theta == 10_000)
    #expect(configuration.mixers == model.configuration.mixers)
  }

  @Test("Scaled positions")
  func scaling() throws {
    let model = try TinyModels.random(TinyModels.llama, dtype: .float32)
    var file = GGUFBytes(model)
    file["llama.rope.scaling.factor"] = .float(4)
    #expect(try open(file).configuration.rotary.scaling == .linear(factor: 4))
    file["llama.rope.scaling.type"] = .string("yarn")
    file["llama.rope.scaling.original_context_length"] = .integer(64)
    #expect(
      try open(file).configuration.rotary.scaling
        == .yarn(
          factor: 4, originalPositions: 64, betaFast: 32, betaSlow: 1, attentionFactor: nil))
    file["llama.rope.scaling.type"] = .string("longrope")
    #expect(throws: CheckpointError.self) { try open(file) }
  }

  @Test("The factors of Llama 3 become its rule, and others are refused")
  func frequencyFactors() throws {
    let rotary = RotaryConfiguration(
      theta: 5e5,
      scaling: .llama3(
        factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192))
    let model = try TinyModels.random(TinyModels.model(.llama, rotary: rotary), dtype: .float32)
    let plain = RotaryConfiguration(theta: 5e5).frequencies(headWidth: 8, length: 1).radians
    let scaled = rotary.frequencies(headWidth: 8, length: 1).radians
    var file = GGUFBytes(model)
    file.tensors.append((GGUFNames.factors, [4], zip(plain, scaled).map { $0 / $1 }))
    let checkpoint = try open(file)
    #expect(checkpoint.configuration.rotary == rotary)
    #expect(try checkpoint.model().parameterBytes == model.parameterBytes)
    file.tensors[file.tensors.count - 1].values[1] = 3
    #expect(throws: CheckpointError.self) { try open(file) }
    file.tensors[file.tensors.count - 1].values = [1, 1, 1, 1]
    #expect(try open(file).configuration.rotary.scaling == .none)
  }

  @Test("A number of 32 bits is the decimal that was meant")
  func decimals() throws {
    let model = try TinyModels.random(TinyModels.llama, dtype: .float32)
    #expect(try open(GGUFBytes(model)).configuration.normEps == 1e-5)
  }

  private static func plain(_ family: ModelConfiguration.Family) -> ModelConfiguration {
    var configuration = TinyModels.model(family)
    let attention = AttentionConfiguration(heads: 4, keyValueHeads: 4, headWidth: 6)
    configuration.mixers = [.attention(attention)]
    return configuration
  }

  private func open(_ file: GGUFBytes) throws -> Checkpoint {
    let folder = try TemporaryFolder()
    try folder.write(file.bytes, as: "model.gguf")
    return try Checkpoint(folder.url.appending(path: "model.gguf").path)
  }
}
