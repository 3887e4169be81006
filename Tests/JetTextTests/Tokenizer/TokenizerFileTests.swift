import Foundation
import JetText
import Testing

@Suite struct TokenizerFileTests {
  private let vocabulary = SyntheticVocabulary(merging: [("a", "b"), (" ", "ab"), ("1", "2")])

  @Test(arguments: [false, true])
  func `merges are read as strings and as pairs`(_ mergesAsPairs: Bool) throws {
    let tokenizer = try Tokenizer(
      tokenizerJSON: vocabulary.file(mergesAsPairs: mergesAsPairs))
    #expect(tokenizer.encode("ab ab") == [256, 257])
    #expect(tokenizer.vocabularySize == 259)
    #expect(tokenizer.beginOfTextID == nil)
    #expect(tokenizer.endOfTextIDs.isEmpty)
  }

  @Test(
    arguments: [
      (#"{"type":"ByteLevel","add_prefix_space":false}"#, "ab12", [256, 258]),
      (#"{"type":"ByteLevel","add_prefix_space":true}"#, "ab12", [257, 258]),
      (
        #"{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false}]}"#,
        "ab12", [256, 49, 50]
      ),
      (
        #"{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":false},{"type":"ByteLevel","add_prefix_space":true}]}"#,
        "ab12", [257, 32, 258]
      ),
      (
        #"{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}"#,
        " ab12", [257, 258]
      ),
    ] as [(String, String, [Int])])
  func `pre-tokenizers are carried out`(
    _ preTokenizer: String, _ text: String, _ expected: [Int]
  ) throws {
    let tokenizer = try Tokenizer(tokenizerJSON: vocabulary.file(preTokenizer: preTokenizer))
    #expect(tokenizer.encode(text) == expected)
  }

  @Test func `a template puts its tokens around the text`() throws {
    let file = try vocabulary.file(
      addedTokens: """
        [{"id":300,"content":"<s>","special":true},{"id":301,"content":"</s>","special":true}]
        """,
      postProcessor: """
        {"type":"Sequence","processors":[{"type":"ByteLevel","trim_offsets":false},
         {"type":"TemplateProcessing","pair":[],
          "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
                    {"SpecialToken":{"id":"</s>","type_id":0}}],
          "special_tokens":{"<s>":{"id":"<s>","ids":[300],"tokens":["<s>"]},
                            "</s>":{"id":"</s>","ids":[301],"tokens":["</s>"]}}}]}
        """)
    let tokenizer = try Tokenizer(tokenizerJSON: file)
    #expect(tokenizer.encode("ab") == [300, 256, 301])
    #expect(tokenizer.encode("ab", addSpecialTokens: false) == [256])
  }

  @Test func `escapes are read`() throws {
    let file = try vocabulary.file(
      addedTokens: #"[{"id":300,"content":"\u00e9\ud83d\ude00\n\t\"\\\/"}]"#)
    #expect(try Tokenizer(tokenizerJSON: file).encode("é😀\n\t\"\\/") == [300])
  }

  @Test func `canonically equivalent tokens are two tokens`() throws {
    let file = try vocabulary.file(
      addedTokens:
        #"[{"id":300,"content":"\u00e9!","normalized":false},{"id":301,"content":"e\u0301!","normalized":false}]"#
    )
    let tokenizer = try Tokenizer(tokenizerJSON: file)
    #expect(tokenizer.encode("\u{E9}!e\u{301}!") == [300, 301])
    #expect(tokenizer.id(of: "e\u{301}!") == 301)
  }

  @Test(arguments: [
    (#""type":"BPE""#, #""type":"WordPiece""#, "model.type"),
    (#""type":"BPE""#, #""type":"BPE","dropout":0.1"#, "model.dropout"),
    (#""type":"BPE""#, #""type":"BPE","byte_fallback":true"#, "model.byte_fallback"),
    (#""type":"BPE""#, #""type":"BPE","end_of_word_suffix":"</w>""#, "model.end_of_word_suffix"),
    (#""type":"BPE""#, #""type":"BPE","novelty":1"#, "model.novelty"),
    (#""unk_token":null"#, #""unk_token":"<unk>""#, "model.unk_token"),
    (#""truncation":null"#, #""truncation":{"max_length":5}"#, "truncation"),
    (#""normalizer":null"#, #""normalizer":{"type":"NFKC"}"#, "normalizer.type"),
    (
      #""post_processor":null"#, #""post_processor":{"type":"BertProcessing"}"#,
      "post_processor.type"
    ),
    (#""decoder":{"type":"ByteLevel"}"#, #""decoder":{"type":"WordPiece"}"#, "decoder.type"),
    (
      #""type":"ByteLevel","add_prefix_space":false"#, #""type":"Whitespace""#, "pre_tokenizer.type"
    ),
    (
      #""type":"ByteLevel","add_prefix_space":false"#,
      #""type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated","x":1"#,
      "pre_tokenizer.pattern.Regex"
    ),
    (#""version":"1.0""#, #""version":"1.0","extra":1"#, "extra"),
  ])
  func `what is not supported is named`(
    _ part: String, _ replacement: String, _ key: String
  ) throws {
    let text = String(decoding: try vocabulary.file(), as: UTF8.self)
    let changed = text.replacingOccurrences(of: part, with: replacement)
    try #require(changed != text)
    let error = #expect(throws: TokenizerError.self) {
      try Tokenizer(tokenizerJSON: Data(changed.utf8))
    }
    guard case .unsupported(_, let found, _, _) = error else {
      Issue.record("\(String(describing: error)) is another error")
      return
    }
    #expect(found == key)
    #expect(error?.description.contains(key) == true)
    #expect(error?.errorDescription == error?.description)
  }
}
