import Foundation
import JetFormats
import Testing

/// SmolLM2-135M-Instruct as `make setup` fetches it.
@Suite("A real model")
struct RealFileTests {
  private static let url = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent()
    .appendingPathComponent("../../.deps/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    .standardizedFileURL

  private static var isPresent: Bool { FileManager.default.fileExists(atPath: url.path) }

  @Test(
    "SmolLM2's file is read with its metadata, tensors and values",
    .enabled(if: isPresent, "the model is not in .deps/models; `make setup` fetches it"))
  func smolLM2() throws {
    let file = try GGUFFile(Self.url)
    #expect(try file.string("general.architecture") == "llama")
    #expect(try file.integer("llama.block_count") == 30)
    #expect(try file.integer("llama.embedding_length") == 576)
    #expect(try file.strings("tokenizer.ggml.tokens").count == 49_152)
    #expect(try file.integers("tokenizer.ggml.token_type").count == 49_152)
    #expect(file.tensors.count == 272)
    let embedding = try file.tensor("token_embd.weight")
    #expect(embedding.entry.elementType == .q80)
    #expect(embedding.entry.shape == [49_152, 576])

    // FNV-1a over the bits of the last 8 rows of each tensor in the order of the file; the number
    // comes from the values of the Python package gguf 0.19.0.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for tensor in file.tensors {
      let count = tensor.entry.rowCount
      let values = try floats(of: tensor, rows: max(0, count - 8)..<count)
      let isFinite = values.allSatisfy(\.isFinite)
      #expect(isFinite, "\(tensor.entry.name)")
      for value in values { hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3 }
      tensor.discard()
    }
    #expect(hash == 0x7A01_4A1D_ACB3_A4A5)
  }
}
