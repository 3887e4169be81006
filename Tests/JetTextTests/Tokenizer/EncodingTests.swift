import Foundation
import JetTestSupport
import JetText
import Testing

/// The definition: the lowest merge anywhere, leftmost first, until there is none.
private func merged(_ word: [String], _ ranks: [String: Int]) -> [String] {
  var parts = word
  while true {
    var best: (rank: Int, place: Int)?
    for place in parts.indices.dropLast() {
      guard let rank = ranks["\(parts[place]) \(parts[place + 1])"] else { continue }
      if best.map({ rank < $0.rank }) ?? true { best = (rank, place) }
    }
    guard let best else { return parts }
    parts[best.place] += parts.remove(at: best.place + 1)
  }
}

@Suite struct EncodingTests {
  @Test(arguments: [1, 2, 3, 7, 24, 25, 79, 80, 81, 82, 300])
  func `encoding equals the definition`(_ count: Int) throws {
    var generator = SeededGenerator(seed: UInt64(count))
    for _ in 0..<10 {
      var vocabulary = SyntheticVocabulary()
      var tokens = ["a", "b", "c", "d"]
      for _ in 0..<30 {
        let left = tokens.randomElement(using: &generator) ?? "a"
        let right = tokens.randomElement(using: &generator) ?? "b"
        guard !vocabulary.merges.contains("\(left) \(right)") else { continue }
        vocabulary.merge(left, right)
        if !tokens.contains(left + right) { tokens.append(left + right) }
      }
      let tokenizer = try vocabulary.tokenizer()
      let ranks = Dictionary(
        uniqueKeysWithValues: vocabulary.merges.enumerated().map { ($1, $0) })
      for _ in 0..<5 {
        let word = (0..<count).map { _ in
          ["a", "b", "c", "d"].randomElement(using: &generator) ?? ""
        }
        let expected = merged(word, ranks).compactMap { vocabulary.vocabulary[$0] }
        let text = word.joined()
        #expect(tokenizer.encode(text) == expected)
        #expect(tokenizer.encode(text) == expected, "the second time, from the cache")
        #expect(tokenizer.decode(expected) == text)
      }
    }
  }

  @Test func `any text comes back from its bytes`() throws {
    let text = "Grüße, 世界! 👩‍💻 \u{0}\u{1F}\r\n\t e\u{301} \u{10FFFF}"
    for preTokenizer in Tokenizer.PreTokenizer.allCases where preTokenizer != .qwen2 {
      let tokenizer = try SyntheticVocabulary().tokenizer(preTokenizer)
      let ids = tokenizer.encode(text)
      #expect(ids == text.utf8.map { Int($0) })
      #expect(Array(tokenizer.decode(ids).utf8) == Array(text.utf8))
    }
  }

  @Test func `an empty text has no ids but those around every text`() throws {
    let vocabulary = SyntheticVocabulary()
    let bare = try vocabulary.tokenizer()
    #expect(bare.encode("").isEmpty)
    let begin = Tokenizer.AddedToken("<s>", id: 256)
    let tokenizer = try vocabulary.tokenizer(
      addedTokens: [begin], beginOfTextID: 256, addsBeginOfText: true)
    #expect(tokenizer.encode("") == [256])
    #expect(tokenizer.encode("a") == [256, 97])
    #expect(tokenizer.encode("a", addSpecialTokens: false) == [97])
  }

  @Test func `bytes without a token are left out`() throws {
    var vocabulary = SyntheticVocabulary(merging: [("a", "c")])
    vocabulary.vocabulary["b"] = nil
    let tokenizer = try vocabulary.tokenizer()
    #expect(tokenizer.encode("abc") == tokenizer.encode("ac"))
    #expect(tokenizer.encode("abc").count == 1)
  }

  @Test func `a word that merges do not reach is one token only where merges are ignored`() throws {
    var vocabulary = SyntheticVocabulary()
    vocabulary.vocabulary["xyz"] = 256
    #expect(try vocabulary.tokenizer(.gpt2).encode("xyz") == [120, 121, 122])
    #expect(try vocabulary.tokenizer(.llama3).encode("xyz") == [256])
  }

  @Test func `a vocabulary tells its tokens and ids`() throws {
    let tokenizer = try SyntheticVocabulary(merging: [(" ", "a")]).tokenizer(
      addedTokens: [Tokenizer.AddedToken("<s>", id: 300)])
    #expect(tokenizer.id(of: "Ġa") == 256)
    #expect(tokenizer.token(of: 256) == "Ġa")
    #expect(tokenizer.id(of: "<s>") == 300)
    #expect(tokenizer.id(of: "nothing") == nil)
    #expect(tokenizer.token(of: 257) == nil)
    #expect(tokenizer.token(of: -1) == nil)
    #expect(tokenizer.token(of: .max) == nil)
    #expect(tokenizer.vocabularySize == 301)
    #expect(tokenizer.specialIDs == [300])
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: ["a", " ", "\n", "ab", "!?", "<|im_", "\u{301}\u{323}", "한", "的"])
  func `a long run of the same is encoded in good time`(_ unit: String) throws {
    var vocabulary = SyntheticVocabulary()
    var token = "a"
    for _ in 0..<10 {
      vocabulary.merge(token, token)
      token += token
    }
    let tokenizer = try vocabulary.tokenizer(
      .qwen2, addedTokens: [Tokenizer.AddedToken("<|im_end|>", id: 2000)])
    let text = String(repeating: unit, count: 200_000 / unit.utf8.count)
    let ids = tokenizer.encode(text)
    #expect(!ids.isEmpty)
    if unit == "a" { #expect(ids.count == 195 + 2) }
  }

  @Test func `many tasks may encode at once`() async throws {
    let tokenizer = try SyntheticVocabulary(merging: [("t", "h"), ("th", "e"), (" ", "the")])
      .tokenizer()
    let texts = (0..<50).map {
      "the thesis \($0) then other \(String(repeating: "the", count: $0))"
    }
    let expected = texts.map { tokenizer.encode($0) }
    try await withThrowingTaskGroup(of: [[Int]].self) { group in
      for _ in 0..<8 {
        group.addTask { texts.map { tokenizer.encode($0) } }
      }
      for try await result in group { #expect(result == expected) }
    }
  }
}
