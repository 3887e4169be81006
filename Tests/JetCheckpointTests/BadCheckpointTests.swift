import Foundation
import JetFormats
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetCheckpoint

/// Checkpoints that are wrong in one way each.
@Suite("A bad checkpoint ends in one sentence")
struct BadCheckpointTests {
  struct Bad: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Words that the sentence must have.
    let words: [String]
    /// Makes the checkpoint and returns its path inside the folder.
    let make: @Sendable (TemporaryFolder) throws -> String

    init(
      _ name: String, _ words: String...,
      make: @escaping @Sendable (TemporaryFolder) throws -> String
    ) {
      testDescription = name
      self.words = words
      self.make = make
    }

    /// A sound folder whose configuration's text is changed.
    init(_ name: String, _ words: String..., replacing old: String, with new: String) {
      testDescription = name
      self.words = words
      make = { folder in
        try sound().save(to: folder.url)
        let file = folder.url.appending(path: "config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        precondition(text.contains(old))
        try folder.write(text.replacing(old, with: new), as: "config.json")
        return ""
      }
    }

    /// A sound folder whose weights are others.
    init(
      _ name: String, _ words: String...,
      tensors change: @escaping @Sendable (inout [TensorToWrite]) -> Void
    ) {
      testDescription = name
      self.words = words
      make = { folder in
        try sound().save(to: folder.url)
        let file = folder.url.appending(path: "model.safetensors")
        let stored = try SafetensorsFile(file)
        var tensors = try stored.names.map { TensorToWrite(copying: try stored.tensor($0)) }
        change(&tensors)
        try SafetensorsWriter.write(tensors, to: file)
        return ""
      }
    }

    /// A sound GGUF file that is changed.
    init(
      _ name: String, _ words: String..., gguf change: @escaping @Sendable (inout GGUFBytes) -> Void
    ) {
      testDescription = name
      self.words = words
      make = { folder in
        var file = GGUFBytes(try sound())
        change(&file)
        try folder.write(file.bytes, as: "model.gguf")
        return "model.gguf"
      }
    }
  }

  private static func sound() throws -> HybridModel {
    try TinyModels.random(TinyModels.llama, dtype: .float32)
  }

  private static func tensor(
    _ name: String, _ type: ElementType, _ shape: [Int]
  ) -> TensorToWrite {
    TensorToWrite(name: name, elementType: type, shape: shape) {
      Data(count: shape.reduce(type.blockByteCount, *))
    }
  }

  static let paths: [Bad] = [
    Bad("a path that leads nowhere", "does not exist") { _ in "missing" },
    Bad("a folder without a configuration", "config.json") { _ in "" },
    Bad("a folder without weights", "model.safetensors") { folder in
      try sound().save(to: folder.url)
      try FileManager.default.removeItem(at: folder.url.appending(path: "model.safetensors"))
      return ""
    },
    Bad("a file of another kind", "model.bin", ".gguf") { folder in
      try folder.write("weights", as: "model.bin")
      return "model.bin"
    },
    Bad("an empty configuration", "config.json", "empty") { folder in
      try folder.write("", as: "config.json")
      return ""
    },
    Bad("a configuration that is a folder", "config.json", "folder") { folder in
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: "config.json"), withIntermediateDirectories: false)
      return ""
    },
    Bad("text that is not JSON", "config.json", "JSON") { folder in
      try folder.write("model_type: llama", as: "config.json")
      return ""
    },
    Bad("JSON that is nested without end", "config.json", "nested") { folder in
      try folder.write(
        "{\"a\":" + String(repeating: "[", count: 1_000_000), as: "config.json")
      return ""
    },
    Bad("JSON that is a list", "config.json", "a list of 1") { folder in
      try folder.write("[1]", as: "config.json")
      return ""
    },
  ]

  static let configurations: [Bad] = [
    Bad("an unknown model", "gpt2", "llama", replacing: "\"llama\"", with: "\"gpt2\""),
    Bad("an unknown key", "logit_softcap", replacing: "{", with: "{\"logit_softcap\": 30,"),
    Bad("a wrong type", "vocab_size", "\"40\"", replacing: ": 40", with: ": \"40\""),
    Bad("a missing value", "hidden_size", replacing: "\"hidden_size\": 24,", with: ""),
    Bad("a number too large", "hidden_size", replacing: ": 24", with: ": 1e300"),
    Bad("a width no memory holds", "weight", replacing: ": 24", with: ": 1048576"),
    Bad("no layers", "0 layers", replacing: "_layers\": 2", with: "_layers\": 0"),
    Bad("a layer too many", "layers.2", replacing: "_layers\": 2", with: "_layers\": 3"),
    Bad("a layer too few", "layers.1", replacing: "_layers\": 2", with: "_layers\": 1"),
    Bad("heads that do not divide", "heads", replacing: "heads\": 4", with: "heads\": 3"),
    Bad(
      "quantized weights", "quantization_config", replacing: "{",
      with: "{\"quantization_config\": {},"),
    Bad("an activation", "hidden_act", "gelu", replacing: "silu", with: "gelu"),
    Bad(
      "an unknown way of scaling", "longrope", replacing: "{",
      with: "{\"rope_scaling\": {\"rope_type\": \"longrope\", \"factor\": 2},"),
    Bad(
      "a factor of zero", "factor", replacing: "{",
      with: "{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0},"),
    Bad(
      "a key of the scaling", "mscale", replacing: "{",
      with: "{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 2, \"mscale\": 1},"),
    Bad(
      "a control character", "model_type", replacing: "\"llama\"",
      with: "\"\\u001b[31m" + String(repeating: "x", count: 10_000) + "\""),
  ]

  static let weights: [Bad] = [
    Bad(
      "a missing tensor", "model.norm.weight",
      tensors: { $0.removeAll { $0.name == "model.norm.weight" } }),
    Bad(
      "a tensor too many", "extra.weight",
      tensors: { $0.append(tensor("extra.weight", .float32, [2])) }),
    Bad(
      "a wrong shape", "model.norm.weight", "[25]", "[24]",
      tensors: { tensors in
        tensors.removeAll { $0.name == "model.norm.weight" }
        tensors.append(tensor("model.norm.weight", .float32, [25]))
      }),
    Bad(
      "integers", "model.norm.weight", "I32",
      tensors: { tensors in
        tensors.removeAll { $0.name == "model.norm.weight" }
        tensors.append(tensor("model.norm.weight", .int32, [24]))
      }),
    Bad("a file that ends early", "model.safetensors") { folder in
      try sound().save(to: folder.url)
      let file = folder.url.appending(path: "model.safetensors")
      let bytes = try [UInt8](Data(contentsOf: file))
      try folder.write(Array(bytes.dropLast(100)), as: "model.safetensors")
      return ""
    },
    Bad("offsets that overlap", "model.safetensors") { folder in
      try sound().save(to: folder.url)
      let header =
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
      let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
      try folder.write(
        length + Array(header.utf8) + [UInt8](repeating: 0, count: 12), as: "model.safetensors")
      return ""
    },
  ]

  static let ggufs: [Bad] = [
    Bad(
      "an unknown architecture", "gemma3", "llama",
      gguf: { $0["general.architecture"] = .string("gemma3") }),
    Bad("a count that lies", "model.gguf", gguf: { $0.tensorCount = 1 << 40 }),
    Bad(
      "a tensor fewer than the file says", "model.gguf",
      gguf: { $0.tensorCount = $0.tensors.count + 1 }),
    Bad("a missing number", "llama.block_count", gguf: { $0["llama.block_count"] = nil }),
    Bad(
      "a number of the wrong type", "llama.block_count",
      gguf: { $0["llama.block_count"] = .string("2") }),
    Bad(
      "a mixture of experts", "llama.expert_count to 8",
      gguf: { $0["llama.expert_count"] = .integer(8) }
    ),
    Bad("an unknown key", "llama.logit_scale", gguf: { $0["llama.logit_scale"] = .float(2) }),
    Bad(
      "partly rotated heads", "rope.dimension_count",
      gguf: { $0["llama.rope.dimension_count"] = .integer(4) }),
    Bad(
      "a missing tensor", "output_norm.weight",
      gguf: { $0.tensors.removeAll { $0.name == "output_norm.weight" } }),
    Bad(
      "a tensor too many", "blk.0.attn_q.extra",
      gguf: { $0.tensors.append(("blk.0.attn_q.extra", [2], [1, 2])) }),
    Bad(
      "a wrong shape", "output_norm.weight",
      gguf: { file in
        file.tensors.removeAll { $0.name == "output_norm.weight" }
        file.tensors.append(("output_norm.weight", [2], [1, 2]))
      }),
    Bad(
      "more tokens than rows", "41 tokens",
      gguf: {
        $0["tokenizer.ggml.tokens"] = .strings((0..<41).map { "\($0)" })
      }),
    Bad(
      "layers without end", "4000000000 layers",
      gguf: { $0["llama.block_count"] = .integer(4_000_000_000) }),
  ]

  @Test(
    "It is said what was read and what is wrong",
    arguments: paths + configurations + weights + ggufs)
  func bad(_ bad: Bad) throws {
    let folder = try TemporaryFolder()
    let path = try folder.url.appending(path: bad.make(folder)).path
    do {
      _ = try Checkpoint(path).model()
      Issue.record("the checkpoint was loaded")
    } catch {
      let sentence = "\(error)"
      #expect(error is CheckpointError || error is FormatError || error is ModelError)
      #expect(bad.words.allSatisfy { sentence.contains($0) }, "\(sentence)")
      #expect(sentence.unicodeScalars.allSatisfy { $0.value >= 0x20 })
      #expect(sentence.count < 600)
    }
  }

  @Test("A type that holds no weights is refused")
  func wrongDType() throws {
    let folder = try TemporaryFolder()
    try Self.sound().save(to: folder.url)
    #expect(throws: CheckpointError.self) { try Checkpoint(folder.path).model(dtype: .int64) }
  }

  @Test("A head that is stored beside the embedding it is tied to is left out")
  func tiedHead() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModels.random(TinyModels.model(.llama, isTied: true), dtype: .float32)
    try model.save(to: folder.url)
    let file = folder.url.appending(path: "model.safetensors")
    let stored = try SafetensorsFile(file)
    var tensors = try stored.names.map { TensorToWrite(copying: try stored.tensor($0)) }
    tensors.append(Self.tensor("lm_head.weight", .float32, [40, 24]))
    tensors.append(Self.tensor("model.layers.0.self_attn.rotary_emb.inv_freq", .float32, [4]))
    try SafetensorsWriter.write(tensors, to: file)
    #expect(try Checkpoint(folder.path).model().parameterBytes == model.parameterBytes)
  }
}
