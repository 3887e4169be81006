import Foundation
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("TokenStream")
struct TokenStreamTests {
  private let folder: TemporaryFolder
  private let shards: [TokenShard]

  init() throws {
    folder = try TemporaryFolder()
    let url = folder.url
    shards = try (0..<3).map { index in
      try TestShards.shard(
        TestShards.documents(count: 9, seed: UInt64(index)), to: url.appending(path: "\(index)"))
    }
  }

  private func all() throws -> [Int] {
    try shards.flatMap { try $0.tokens(in: 0..<$0.count) }
  }

  @Test("an epoch reads every token once, whatever the lengths", arguments: [1, 7, 64, 1000])
  func epoch(blockLength: Int) throws {
    var stream = try TokenStream(shards, blockLength: blockLength, seed: 3)
    var (read, length) = ([Int](), 1)
    while read.count < stream.tokenCount {
      let left = stream.tokenCount - read.count
      read += try stream.next(length: min(left, length)).inputs
      length = length % 50 + 7
    }
    #expect(stream.position.epoch == 1 && stream.position.block == 0)
    #expect(stream.position.tokens == stream.tokenCount)
    #expect(read.sorted() == (try all()).sorted())
  }

  @Test("a position that was saved goes on with the very next token")
  func resumes() throws {
    var whole = try TokenStream(shards, blockLength: 32, seed: 3)
    var first = whole
    let lengths = [32, 32, 5, 48, 32, 100, 9, 900, 32]
    let expected = try lengths.map { try whole.next(length: $0) }
    for cut in lengths.indices {
      var part = first
      for length in lengths[..<cut] { _ = try part.next(length: length) }
      let saved = try JSONEncoder().encode(part.position)
      var resumed = try TokenStream(
        shards, blockLength: 32, seed: 3,
        position: JSONDecoder().decode(TokenStream.Position.self, from: saved))
      for index in cut..<lengths.count {
        #expect(try resumed.next(length: lengths[index]) == expected[index], "cut at \(cut)")
      }
    }
    _ = try first.next(length: 1)
  }

  @Test("the order is that of the seed and changes from epoch to epoch")
  func order() throws {
    func epochs(_ seed: UInt64) throws -> [[Int]] {
      var stream = try TokenStream(shards, blockLength: 16, seed: seed)
      return try (0..<2).map { _ in try stream.next(length: stream.tokenCount).inputs }
    }
    let one = try epochs(1)
    #expect(one == (try epochs(1)))
    #expect(one[0] != one[1])
    #expect(one[0] != (try epochs(2))[0])
  }

  @Test("targets are the next tokens of the same document, and boundaries are known")
  func targets() throws {
    let shard = try TestShards.shard([[1, 2], [3]], to: folder.url.appending(path: "small"))
    var stream = try TokenStream([shard], blockLength: 3, seed: 0)
    var parts: [TokenSequence] = []
    for _ in 0..<2 {
      let length = stream.position.block == 0 ? 3 : stream.tokenCount - 3
      parts.append(try stream.next(length: length))
    }
    let sorted = parts.sorted { $0.inputs[0] < $1.inputs[0] }
    // Whichever order: the blocks are 1 2 end and 3 end, or joins of them.
    let joined = sorted.flatMap { zip($0.inputs, $0.targets).map { [$0, $1] } }
    #expect(Set(joined) == [[1, 2], [2, 99], [99, -1], [3, 99]])
    var plain = try TokenStream([shard], blockLength: 5, seed: 0)
    #expect(
      try plain.next(length: 5)
        == TokenSequence(
          inputs: [1, 2, 99, 3, 99], targets: [2, 99, -1, 99, -1], starts: [0, 3]))
  }

  @Test("shards of another tokenizer and positions of other data are refused")
  func refusals() throws {
    let other = try TestShards.shard(
      [[1]], vocabulary: 98, end: 97, to: folder.url.appending(path: "other"))
    let mixed = sentence { _ = try TokenStream(shards + [other], blockLength: 8, seed: 0) }
    #expect(mixed?.contains("another tokenizer") == true)
    var position = TokenStream.Position()
    position.block = 1 << 40
    let far = sentence {
      _ = try TokenStream(shards, blockLength: 8, seed: 0, position: position)
    }
    #expect(far?.contains("resume with the data") == true)
    position.block = 0
    position.offset = 8
    #expect(
      sentence { _ = try TokenStream(shards, blockLength: 8, seed: 0, position: position) } != nil)
    #expect(sentence { _ = try TokenStream([], blockLength: 8, seed: 0) } != nil)
  }
}
