import Foundation
import JetFormats
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetCheckpoint

@Suite("Saving a model")
struct SavingTests {
  @Test(
    "A saved model loads with the same configuration and bits",
    arguments: TinyModels.all.keys.sorted())
  func roundTrip(name: String) throws {
    let configuration = try #require(TinyModels.all[name])
    for dtype in [DType.float32, .bfloat16] {
      let model = try TinyModels.random(configuration, dtype: dtype)
      let folder = try TemporaryFolder()
      try model.save(to: folder.url)
      #expect(try folder.contents == ["config.json", "model.safetensors"])
      let checkpoint = try Checkpoint(folder.path)
      #expect(checkpoint.configuration == configuration)
      #expect(checkpoint.defaultDType == dtype)
      #expect(checkpoint.storedByteCount == model.parameters.byteCount)
      #expect(try checkpoint.model().parameterBytes == model.parameterBytes)
    }
  }

  @Test("Several files with an index hold the same bits")
  func sharded() throws {
    let model = try TinyModels.random(TinyModels.llama, dtype: .float32)
    let folder = try TemporaryFolder()
    let inner = folder.url.appending(path: "a/b")
    try model.save(to: inner, maximumShardBytes: 10_000)
    let names = try FileManager.default.contentsOfDirectory(atPath: inner.path)
    #expect(names.count > 3)
    #expect(names.contains("model.safetensors.index.json"))
    #expect(try Checkpoint(inner.path).model().parameterBytes == model.parameterBytes)
  }

  @Test("Another type is rounded once")
  func converted() throws {
    let model = try TinyModels.random(TinyModels.llama, dtype: .float32)
    let folder = try TemporaryFolder()
    try model.save(to: folder.url, dtype: .float16)
    let checkpoint = try Checkpoint(folder.path)
    #expect(checkpoint.defaultDType == .bfloat16)
    let rounded: [Float] = model.embedding.to(.float16).array()
    for dtype in [DType.float32, .float16] {
      let loaded = try checkpoint.model(dtype: dtype)
      #expect(loaded.dtype == dtype)
      #expect(loaded.embedding.array() == rounded)
    }
    #expect(throws: CheckpointError.self) { try model.save(to: folder.url, dtype: .int32) }
  }

  @Test("Each way of scaling positions is written and read back")
  func scalings() throws {
    let scalings: [RotaryConfiguration.Scaling] = [
      .linear(factor: 2.5), .dynamic(factor: 3, originalPositions: 256),
      .yarn(factor: 4, originalPositions: 64, betaFast: 32, betaSlow: 1, attentionFactor: nil),
      .yarn(factor: 4, originalPositions: 64, betaFast: 16, betaSlow: 2, attentionFactor: 1.5),
      .llama3(
        factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192),
    ]
    for scaling in scalings {
      let configuration = TinyModels.model(
        .llama, rotary: RotaryConfiguration(theta: 1e4, scaling: scaling))
      let text = try configuration.huggingFace(dtype: .float32).written()
      let read = try ModelConfiguration(huggingFace: Data(text.utf8), file: "config.json")
      #expect(read == configuration)
    }
  }

  @Test("Every width of values over keys comes back from its quotient")
  func expansions() throws {
    for keyWidth in 1...130 {
      for valueWidth in stride(from: 1, through: 300, by: 7) {
        var configuration = TinyModels.jet(isTied: true)
        configuration.mixers[0] = .jet(
          JetBlockConfiguration(
            heads: 1, keyWidth: keyWidth, valueWidth: valueWidth, generatorReduction: 1))
        configuration.mixers[3] = configuration.mixers[0]
        let text = try configuration.huggingFace(dtype: .float32).written()
        let read = try ModelConfiguration(huggingFace: Data(text.utf8), file: "config.json")
        #expect(read == configuration)
      }
    }
  }

  @Test("A model that no config.json describes is refused and nothing is written")
  func inexpressible() throws {
    var uneven = TinyModels.jet(isTied: true)
    uneven.mixers[2] = .attention(
      AttentionConfiguration(heads: 2, keyValueHeads: 2, headWidth: 12, hasBias: true))
    var hybrid = TinyModels.llama
    hybrid.mixers[0] = .jet(JetBlockConfiguration(heads: 1, keyWidth: 8, valueWidth: 8))
    var biased = TinyModels.model(.qwen2)
    biased.family = .llama
    for configuration in [uneven, hybrid, biased] {
      let folder = try TemporaryFolder()
      let model = try TinyModels.random(configuration, dtype: .float32)
      #expect(throws: CheckpointError.self) {
        try model.save(to: folder.url.appending(path: "new"))
      }
      #expect(try folder.contents == [])
    }
  }

  @Test("A full disk leaves nothing half written", arguments: [5_000_000_000, 9000])
  func fullDisk(maximumShardBytes: Int) async {
    // The limit on the size of files holds for a whole process, so it is set in one of its own.
    await #expect(processExitsWith: .success) { [maximumShardBytes] in
      let folder = try TemporaryFolder()
      let target = folder.url.appending(path: "model")
      let model = try TinyModels.random(TinyModels.llama, dtype: .float32)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 7000, rlim_max: 7000)
      precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      do {
        try model.save(to: target, maximumShardBytes: maximumShardBytes)
        preconditionFailure("the model was saved")
      } catch let error as FormatError {
        precondition(error.fault == .diskFull && !error.description.contains("\n"))
      }
      let left = try folder.contents
      precondition(left.isEmpty, "\(left) is left")
    }
  }

  @Test("An earlier model stays as it was when its successor cannot be written")
  func earlierModel() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModels.random(TinyModels.llama, dtype: .float32)
    try model.save(to: folder.url)
    #expect(throws: FormatError.self) { try model.save(to: folder.url, maximumShardBytes: 1000) }
    #expect(try folder.contents == ["config.json", "model.safetensors"])
    #expect(try Checkpoint(folder.path).model().parameterBytes == model.parameterBytes)
  }

  @Test("The released configuration is written under the same keys")
  func releasedForm() throws {
    let data = try Data(contentsOf: Self.released)
    let configuration = try ModelConfiguration(huggingFace: data, file: "config.json")
    let text = try configuration.huggingFace(dtype: .float32).written()
    #expect(try keys(Data(text.utf8)) == keys(data))
    #expect(try ModelConfiguration(huggingFace: Data(text.utf8), file: "-") == configuration)
  }

  private static let released = fixtures.appending(path: "official-tiny/config.json")

  private func keys(_ data: Data) throws -> Set<String> {
    let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return Set(try #require(object).keys)
  }
}
