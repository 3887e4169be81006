import Foundation
import JetFormats
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetCheckpoint

/// Mutated checkpoints: whatever happens, one of the three errors is thrown or a model is built.
@Suite("Mutated checkpoints never crash", .serialized)
struct CheckpointFuzzTests {
  private static let duration = Duration.seconds(2)
  private static let minimumRounds = 200

  @Test("config.json", arguments: ["llama", "qwen3", "jet_nemotron"])
  func configuration(name: String) throws {
    let configuration = try #require(TinyModels.all[name])
    let folder = try TemporaryFolder()
    try TinyModels.random(configuration, dtype: .bfloat16).save(to: folder.url)
    var text = try String(contentsOf: folder.url.appending(path: "config.json"), encoding: .utf8)
    if name == "llama" {
      text.removeLast(2)
      text += #", "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 32}}"#
    }
    try fuzz(text.utf8, seed: 1, file: "config.json", in: folder, path: folder.path)
  }

  @Test("The metadata of a GGUF file")
  func gguf() throws {
    let folder = try TemporaryFolder()
    var file = GGUFBytes(try TinyModels.random(TinyModels.llama, dtype: .float32))
    file["llama.rope.scaling.type"] = .string("yarn")
    file["llama.rope.scaling.factor"] = .float(4)
    let bytes = file.bytes
    let path = folder.url.appending(path: "model.gguf").path
    try fuzz(bytes, seed: 2, file: "model.gguf", in: folder, path: path)
  }

  @Test("tokenizer_config.json and its neighbours")
  func text() throws {
    let folder = try TemporaryFolder()
    try TinyModels.random(TinyModels.llama, dtype: .bfloat16).save(to: folder.url)
    let sound =
      #"{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "eos_token_id": [1, 2], "#
      + #""chat_template": [{"name": "default", "template": "{{ bos_token }}"}]}"#
    var generator = SeededGenerator(seed: 3)
    let checkpoint = try Checkpoint(folder.path)
    for _ in 0..<300 {
      for name in ["tokenizer_config.json", "generation_config.json", "special_tokens_map.json"] {
        try folder.write(mutated(Array(sound.utf8), &generator), as: name)
      }
      do {
        _ = try checkpoint.templateVariables()
        _ = try checkpoint.chatTemplate()
        _ = try checkpoint.endTokens()
      } catch {
        #expect(!"\(error)".isEmpty)
      }
    }
  }

  private func fuzz(
    _ sound: some Collection<UInt8>, seed: UInt64, file: String, in folder: TemporaryFolder,
    path: String
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let clock = ContinuousClock()
    let end = clock.now + Self.duration
    var (rounds, loaded) = (0, 0)
    while rounds < Self.minimumRounds || clock.now < end {
      try folder.write(mutated(Array(sound), &generator), as: file)
      do {
        let model = try Checkpoint(path).model()
        let attention = model.configuration.mixers.compactMap { mixer -> Int? in
          if case .attention(let attention) = mixer { attention.headWidth } else { nil }
        }
        for width in attention {
          let angles = model.configuration.rotary.frequencies(headWidth: width, length: 1000)
          let isFinite = angles.radians.allSatisfy(\.isFinite)
          #expect(isFinite, "\(model.configuration.rotary)")
          #expect(angles.magnitude.isFinite)
        }
        loaded += 1
      } catch {
        #expect(error is CheckpointError || error is FormatError || error is ModelError, "\(error)")
      }
      rounds += 1
    }
    // Mutations that none or all survive would test little.
    #expect(loaded > 0)
    #expect(loaded < rounds)
  }

  /// One to three changes: bits, bytes, and numbers or words in the place of a number.
  private func mutated(_ sound: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = sound
    // The weights of a GGUF file stand behind its header, where nothing is to be found.
    let reach = min(bytes.count, 3000)
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let position = Int.random(in: 0..<min(reach, bytes.count), using: &generator)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
      case 2: bytes.remove(at: position)
      case 3: bytes.insert(contentsOf: Array(bytes[position...].prefix(20)), at: position)
      case 4: bytes[position] = UInt8.random(in: 0x30...0x39, using: &generator)
      default:
        guard let start = bytes[position...].firstIndex(where: Self.isDigit) else { continue }
        let end = bytes[start...].firstIndex { !Self.isDigit($0) } ?? bytes.count
        let word = Self.words[Int.random(in: 0..<Self.words.count, using: &generator)]
        bytes.replaceSubrange(start..<end, with: word.utf8)
      }
    }
    return bytes
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static let words = [
    "0", "1", "-1", "3", "7", "64", "65536", "4194304", "16777216", "4294967296",
    "9223372036854775807", "99999999999999999999", "1e30", "1e400", "-0.0", "0.5", "1e-300", "null",
    "true", "[]", "{}", "\"8\"",
  ]
}
