import Foundation
import JetTestSupport
import JetText
import Testing

@Suite struct HostileTokenizerTests {
  private let vocabulary = SyntheticVocabulary(merging: [("a", "b"), (" ", "ab")])

  @Test(arguments: [
    "", " ", "null", "[]", "{", "{}", "{\"model\":}", "{\"model\":{}}",
    "{\"model\":{\"vocab\":[]}}",
    #"{"model":{"vocab":{"a":0}}}"#, #"{"model":{"vocab":{"a":0},"merges":{}}}"#,
    #"{"model":{"vocab":{"a":"0"},"merges":[]}}"#, #"{"model":{"vocab":{"a":0.5},"merges":[]}}"#,
    #"{"model":{"vocab":{"a":1e999},"merges":[]}}"#, #"{"a":"\ud800"}"#, #"{"a":"\ud800\u0041"}"#,
    #"{"a":"\x"}"#, #"{"a":"\u12"#, #"{"a":01x}"#, #"{"a":tru}"#, #"{"a":1,}"#, "{} {}",
    #"{"a":-}"#, #"{"model":1,"model":2}"#, "\u{FEFF}{}",
  ])
  func `a broken file is an error`(_ text: String) {
    #expect(throws: TokenizerError.self) { try Tokenizer(tokenizerJSON: Data(text.utf8)) }
  }

  @Test func `deep nesting and bytes that are not UTF-8 are errors`() {
    let deep = Data(String(repeating: "[", count: 100_000).utf8)
    #expect(throws: TokenizerError.self) { try Tokenizer(tokenizerJSON: deep) }
    #expect(throws: TokenizerError.self) { try Tokenizer(tokenizerJSON: Data([0x22, 0xFF, 0x22])) }
  }

  @Test func `every truncation of a file is an error`() throws {
    let file = try vocabulary.file()
    let step = max(1, file.count / 200)
    for count in stride(from: 0, to: file.count, by: step) {
      #expect(throws: TokenizerError.self) { try Tokenizer(tokenizerJSON: file.prefix(count)) }
    }
  }

  @Test(arguments: [-1, 1_000_000, 4_294_967_295, Int.max])
  func `an id out of range is an error`(_ id: Int) {
    var changed = vocabulary
    changed.vocabulary["zz"] = id
    #expect(throws: TokenizerError.self) { try changed.tokenizer() }
    #expect(throws: TokenizerError.self) {
      try vocabulary.tokenizer(addedTokens: [Tokenizer.AddedToken("<s>", id: id)])
    }
    #expect(throws: TokenizerError.self) { try vocabulary.tokenizer(beginOfTextID: id) }
  }

  @Test func `an id or a token given twice is an error`() throws {
    var changed = vocabulary
    changed.vocabulary["zz"] = 5
    #expect(throws: TokenizerError.self) { try changed.tokenizer() }
    #expect(throws: TokenizerError.self) {
      try vocabulary.tokenizer(addedTokens: [Tokenizer.AddedToken("ab", id: 300)])
    }
    let text = String(decoding: try vocabulary.file(), as: UTF8.self)
    let twice = text.replacingOccurrences(of: #""ab":256"#, with: #""ab":256,"ab":299"#)
    try #require(twice != text)
    #expect(throws: TokenizerError.self) { try Tokenizer(tokenizerJSON: Data(twice.utf8)) }
  }

  @Test(arguments: ["a z\u{301}", "q q", "ab", "", " ", "a  b", "a b c", " ab", "ab "])
  func `a merge that names no two tokens of the vocabulary is an error`(_ merge: String) {
    var changed = vocabulary
    changed.merges.append(merge)
    #expect(throws: TokenizerError.self) { try changed.tokenizer() }
  }

  @Test func `lists that disagree are an error`() {
    #expect(throws: TokenizerError.self) {
      try Tokenizer(tokens: ["a", "b"], merges: [], tokenTypes: [1], preTokenizer: "gpt-2")
    }
    #expect(throws: TokenizerError.self) {
      try Tokenizer(tokens: ["a", "a"], merges: [], preTokenizer: "gpt-2")
    }
    #expect(throws: TokenizerError.self) {
      try Tokenizer(tokens: ["a"], merges: [], preTokenizer: "unheard-of")
    }
    #expect(throws: TokenizerError.self) {
      try Tokenizer(tokens: ["a"], merges: [], preTokenizer: "gpt-2", endOfTextIDs: [7])
    }
  }

  @Test func `a folder without a tokenizer is an error`() {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: folder) }
  }

  @Test func `a mutated file loads or is an error but never traps`() throws {
    var generator = SeededGenerator(seed: 2025)
    let file = try Array(
      vocabulary.file(
        addedTokens: #"[{"id":300,"content":"<s>","lstrip":true,"special":true}]"#,
        normalizer: #"{"type":"NFC"}"#))
    let interesting = Array(#"{}[],:"\0123456789-.eEtfnu"#.utf8)
    let deadline = Date().addingTimeInterval(2)
    var loaded = 0
    var rounds = 0
    while rounds < 4000, Date() < deadline {
      rounds += 1
      var mutated = file
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<mutated.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: mutated[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: mutated[place] = interesting.randomElement(using: &generator) ?? 0
        case 2: mutated.remove(at: place)
        default: mutated.insert(interesting.randomElement(using: &generator) ?? 0, at: place)
        }
      }
      do {
        let tokenizer = try Tokenizer(tokenizerJSON: Data(mutated))
        _ = tokenizer.decode(tokenizer.encode("ab <s> ab\u{301} 12"))
        loaded += 1
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(rounds > 50)
    #expect(loaded < rounds)
  }
}
