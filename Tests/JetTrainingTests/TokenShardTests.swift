import Foundation
import JetTestSupport
import JetText
import Testing

@testable import JetTraining

@Suite("TokenShard")
struct TokenShardTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func good() throws -> [UInt8] {
    let url = folder.url.appending(path: "good.tokens")
    _ = try TestShards.shard([[1, 2, 3], [4, 5]], to: url)
    return [UInt8](try Data(contentsOf: url))
  }

  /// The header with one number changed and its checksum made right again.
  private func changed(_ offset: Int, _ count: Int, to number: UInt64) throws -> [UInt8] {
    var bytes = try good()
    for i in 0..<count { bytes[offset + i] = UInt8(truncatingIfNeeded: number >> UInt64(8 * i)) }
    var sum = Checksum()
    sum.add(bytes[0..<56])
    for i in 0..<8 { bytes[56 + i] = UInt8(truncatingIfNeeded: sum.value >> UInt64(8 * i)) }
    return bytes
  }

  @Test("what was written is read")
  func roundTrip() throws {
    for vocabulary in [100, 65_536, 65_537, 200_000] {
      let url = folder.url.appending(path: "\(vocabulary).tokens")
      let top = vocabulary - 1
      let shard = try TestShards.shard(
        [[top - 1, 0], [7]], vocabulary: vocabulary, end: top, to: url)
      #expect(try shard.tokens(in: 0..<shard.count) == [top - 1, 0, top, 7, top])
      #expect(try shard.tokens(in: 3..<4) == [7])
      #expect(shard.header.tokenByteCount == (vocabulary <= 65_536 ? 2 : 4))
      #expect(shard.header.documentCount == 2)
    }
  }

  @Test("every number of the header is checked")
  func hostile() throws {
    let whole = try good()
    let cases: [(name: String, bytes: [UInt8], expected: String)] = [
      ("short", Array(whole[..<40]), "at least 64"),
      ("magic", [0] + whole.dropFirst(), "does not begin"),
      ("damage", whole[..<24] + [9] + whole[25...], "checksum"),
      ("version", try changed(8, 4, to: 2), "version is 2"),
      ("width", try changed(12, 4, to: 4), "4 bytes"),
      ("vocabulary 0", try changed(16, 4, to: 0), "vocabulary's size is 0"),
      ("vocabulary", try changed(16, 4, to: 1 << 31), "vocabulary's size"),
      ("end", try changed(20, 4, to: 100), "end token is 100"),
      ("tokens", try changed(24, 8, to: .max), "tokens in"),
      ("more tokens", try changed(24, 8, to: 8), "make 80 bytes"),
      ("documents", try changed(32, 8, to: 8), "8 documents"),
      ("reserved", try changed(48, 8, to: 1), "reserved"),
      ("cut", Array(whole.dropLast()), "but the file has"),
      ("longer", whole + [0], "but the file has"),
    ]
    for (name, bytes, expected) in cases {
      let url = try folder.write(bytes, as: "\(name).tokens")
      let found = sentence { _ = try TokenShard(url) }
      #expect(found?.contains(expected) == true, "\(name): \(found ?? "no error")")
    }
  }

  @Test("a token beyond the vocabulary is found when it is read")
  func foreignToken() throws {
    var bytes = try good()
    bytes[64 + 2] = 200
    let shard = try TokenShard(try folder.write(bytes, as: "foreign.tokens"))
    #expect(try shard.tokens(in: 0..<1) == [1])
    #expect(sentence { _ = try shard.tokens(in: 0..<3) }?.contains("token 1 is 200") == true)
  }

  @Test("texts become shards, whatever their file is")
  func writing() throws {
    let tokenizer = try TestShards.tokenizer()
    let files = [
      try folder.write("ab", as: "a.txt"),
      try folder.write(
        #"{"id": 1, "text": "cé"}"# + "\n\n" + #"{"text": ""}"# + "\n" + #"{"text": "<end>d"}"#,
        as: "b.jsonl"),
    ]
    var writer = try TokenShardWriter(tokenizer: tokenizer, vocabularySize: 260)
    writer.maximumTokens = 8
    let summary = try writer.write(files, to: folder.url.appending(path: "out"))
    #expect(summary.documents == 3)
    #expect(
      summary.shards.map(\.lastPathComponent) == ["train-00000.tokens", "train-00001.tokens"])
    let shards = try TokenShardList.open(folder.url.appending(path: "out"))
    let tokens = try shards.map { try $0.tokens(in: 0..<$0.count) }
    // The end token's text inside a document does not end it.
    #expect(
      tokens == [[97, 98, 256, 99, 0xC3, 0xA9, 256], Array("<end>d".utf8).map(Int.init) + [256]])
    #expect(shards.allSatisfy { $0.header.fingerprint == tokenizer.fingerprint })
  }

  @Test("texts that are tokenized side by side keep their order, more than are taken at once too")
  func order() throws {
    let tokenizer = try TestShards.tokenizer()
    var generator = SplitMix64(seed: 3)
    let texts = (0..<400).map { index in
      String(repeating: "\(index) ", count: 1 + Int(generator.next() % 8000))
    }
    let lines = texts.map { "{\"text\": \"\($0)\"}" }.joined(separator: "\n")
    #expect(lines.utf8.count > 1 << 22)
    let file = try folder.write(lines, as: "many.jsonl")
    let out = folder.url.appending(path: "many")
    let writer = try TokenShardWriter(tokenizer: tokenizer, vocabularySize: 257)
    #expect(try writer.write([file], to: out).documents == 400)
    let shard = try TokenShardList.open(out)[0]
    let wanted = texts.flatMap { $0.utf8.map(Int.init) + [256] }
    #expect(try shard.tokens(in: 0..<shard.count) == wanted)
  }

  @Test("a line that is no document and a folder without its list are refused")
  func refusals() throws {
    let writer = try TokenShardWriter(tokenizer: TestShards.tokenizer(), vocabularySize: 257)
    let out = folder.url.appending(path: "out")
    let bad = try folder.write("{\"text\": \"a\"}\n{\"body\": 1}\n", as: "bad.jsonl")
    #expect(sentence { _ = try writer.write([bad], to: out) }?.contains("line 2") == true)
    #expect(sentence { _ = try TokenShardList.open(out) }?.contains("not finished") == true)
    let zst = try folder.write("x", as: "x.jsonl.zst")
    #expect(sentence { _ = try writer.write([zst], to: out) }?.contains("x.jsonl.zst") == true)
    let foreign = try folder.write("x", as: "x.xz")
    #expect(sentence { _ = try writer.write([foreign], to: out) }?.contains(".zst") == true)
  }

  @Test("tokenizers that differ have other fingerprints")
  func fingerprints() throws {
    let one = try TestShards.tokenizer()
    let other = try Tokenizer(
      vocabulary: ["a": 0, "b": 1, "ab": 2], merges: ["a b"], preTokenizer: .gpt2)
    #expect(one.fingerprint == (try TestShards.tokenizer()).fingerprint)
    #expect(one.fingerprint != other.fingerprint)
  }
}
