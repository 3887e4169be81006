import Foundation
import JetFormats
import JetText

@testable import JetTraining

enum TestShards {
  /// The 256 bytes as tokens, and 256 to end a text.
  static func tokenizer() throws -> Tokenizer {
    var vocabulary: [String: Int] = [:]
    var others = 0
    for byte in 0..<256 {
      let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      let code = isPrintable ? byte : 0x100 + others
      if !isPrintable { others += 1 }
      vocabulary[String(Character(Unicode.Scalar(UInt16(code)) ?? " "))] = byte
    }
    vocabulary["<end>"] = 256
    return try Tokenizer(
      vocabulary: vocabulary, merges: [], preTokenizer: .gpt2,
      addedTokens: [Tokenizer.AddedToken("<end>", id: 256)], endOfTextIDs: [256])
  }

  /// Writes documents as one shard.
  static func shard(
    _ documents: [[Int]], vocabulary: Int = 100, end: Int = 99, to url: URL
  ) throws -> TokenShard {
    let tokens = documents.flatMap { $0 + [end] }
    let header = TokenShardHeader(
      vocabularySize: vocabulary, endToken: end, tokenCount: tokens.count,
      documentCount: documents.count, fingerprint: 1)
    var bytes = header.bytes
    for token in tokens {
      bytes += (0..<header.tokenByteCount).map { UInt8(truncatingIfNeeded: token >> (8 * $0)) }
    }
    try Data(bytes).write(to: url)
    return try TokenShard(url)
  }

  /// Documents in which the next token mostly follows from the one before.
  static func documents(count: Int, seed: UInt64) -> [[Int]] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      var token = Int(generator.next() % 99)
      return (0..<20 + Int(generator.next() % 60)).map { _ in
        token = generator.next() % 8 == 0 ? Int(generator.next() % 99) : (token * 7 + 3) % 99
        return token
      }
    }
  }
}
