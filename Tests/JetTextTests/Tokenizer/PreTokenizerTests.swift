import JetTestSupport
import JetText
import Testing

/// Words compared byte by byte: Swift takes canonically equivalent strings for equal.
private func bytes(_ words: [String]) -> [[UInt8]] { words.map { Array($0.utf8) } }

@Suite struct PreTokenizerTests {
  @Test(arguments: SplitCase.all)
  func `words are the matches of the published patterns`(_ example: SplitCase) {
    let text = example.text
    #expect(bytes(Tokenizer.PreTokenizer.gpt2.words(in: text)) == bytes(example.gpt2))
    #expect(bytes(Tokenizer.PreTokenizer.smollm.words(in: text)) == bytes(example.smollm))
    #expect(bytes(Tokenizer.PreTokenizer.qwen2.words(in: text)) == bytes(example.qwen2))
    #expect(bytes(Tokenizer.PreTokenizer.llama3.words(in: text)) == bytes(example.llama3))
  }

  @Test(arguments: Tokenizer.PreTokenizer.allCases)
  func `words joined are the text`(_ preTokenizer: Tokenizer.PreTokenizer) {
    var generator = SeededGenerator(seed: 11)
    let scalars = Array(
      "aZé ſ'’sStTrRlL0٣²!_-\n\r\t\u{85}\u{A0}\u{3000}\u{301}中か한😀\u{200D}".unicodeScalars)
    for _ in 0..<2000 {
      var view = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0..<12, using: &generator) {
        view.append(scalars[Int.random(in: 0..<scalars.count, using: &generator)])
      }
      let text = String(view)
      let words = preTokenizer.words(in: text)
      #expect(words.flatMap { Array($0.utf8) } == Array(text.utf8))
      #expect(words.allSatisfy { !$0.isEmpty })
    }
  }

  @Test(arguments: [0x11DE0, 0x16FF4, 0x16EA0, 0x32400] as [UInt32])
  func `letters and numbers younger than Unicode 16 count as neither`(_ value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let text = "a\(scalar)b"
    #expect(Tokenizer.PreTokenizer.gpt2.words(in: text).count == 3)
    #expect(Tokenizer.PreTokenizer.qwen2.words(in: text).count == 2)
  }

  @Test func `GGUF names are known and others are not`() {
    #expect(Tokenizer.PreTokenizer(ggufName: "gpt-2") == .gpt2)
    #expect(Tokenizer.PreTokenizer(ggufName: "smollm") == .smollm)
    #expect(Tokenizer.PreTokenizer(ggufName: "qwen2") == .qwen2)
    #expect(Tokenizer.PreTokenizer(ggufName: "llama-bpe") == .llama3)
    #expect(Tokenizer.PreTokenizer(ggufName: "tekken") == nil)
  }
}
