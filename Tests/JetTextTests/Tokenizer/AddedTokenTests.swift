import JetText
import Testing

/// Expected ids were compared with Hugging Face `tokenizers` 0.23.
@Suite struct AddedTokenTests {
  private func tokenizer(_ tokens: Tokenizer.AddedToken...) throws -> Tokenizer {
    try SyntheticVocabulary().tokenizer(addedTokens: tokens)
  }

  private func bytes(_ text: String) -> [Int] { text.utf8.map { Int($0) } }

  @Test func `the longest token at the leftmost place is taken`() throws {
    let tokenizer = try tokenizer(
      Tokenizer.AddedToken("<a>", id: 256), Tokenizer.AddedToken("<a>b", id: 257),
      Tokenizer.AddedToken("a>b", id: 258))
    #expect(tokenizer.encode("x<a>b<a>a>b<a") == [120, 257, 256, 258] + bytes("<a"))
  }

  @Test func `special tokens in the text are text when they are not parsed`() throws {
    let tokenizer = try tokenizer(
      Tokenizer.AddedToken("<a>", id: 256), Tokenizer.AddedToken("<b>", id: 257, isSpecial: false))
    #expect(tokenizer.encode("<a><b>", parseSpecialTokens: false) == bytes("<a>") + [257])
    #expect(tokenizer.encode("<a><b>") == [256, 257])
  }

  @Test func `stripping takes the white space beside a token`() throws {
    let tokenizer = try tokenizer(
      Tokenizer.AddedToken("<l>", id: 256, stripsLeft: true),
      Tokenizer.AddedToken("<r>", id: 257, stripsRight: true))
    #expect(tokenizer.encode("a \u{3000}\n<l> b") == [97, 256, 32, 98])
    #expect(tokenizer.encode("a <r>\t\u{A0}b") == [97, 32, 257, 98])
    #expect(tokenizer.encode("<r>  <l>") == [257, 256])
  }

  @Test func `a single word is not found inside words`() throws {
    let tokenizer = try tokenizer(Tokenizer.AddedToken("cat", id: 256, isSingleWord: true))
    #expect(tokenizer.encode("cat-cat") == [256, 45, 256])
    #expect(tokenizer.encode("cats") == bytes("cats"))
    #expect(tokenizer.encode("_cat") == bytes("_cat"))
    #expect(tokenizer.encode("é cat!") == bytes("é ") + [256, 33])
    #expect(tokenizer.encode("écat") == bytes("écat"))
  }

  @Test func `a normalized token is found in normalized text only`() throws {
    let tokens = [
      Tokenizer.AddedToken("\u{C5}!", id: 256, isNormalized: true),
      Tokenizer.AddedToken("\u{C9}!", id: 257, isNormalized: false),
    ]
    let tokenizer = try SyntheticVocabulary().tokenizer(.qwen2, addedTokens: tokens)
    #expect(tokenizer.encode("\u{212B}!A\u{30A}!") == [256, 256])
    #expect(tokenizer.encode("\u{C9}!E\u{301}!") == [257] + bytes("\u{C9}!"))
  }
}
