import Foundation
import JetText
import Testing

@Suite struct TokenizerFolderTests {
  private func withFolder(
    _ files: [String: String], _ body: (URL) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    try body(folder)
  }

  private func lists(_ more: [String: String]) throws -> [String: String] {
    let vocabulary = SyntheticVocabulary(merging: [("a", "b")])
    let encoded = try JSONEncoder().encode(vocabulary.vocabulary)
    return [
      "vocab.json": String(decoding: encoded, as: UTF8.self),
      "merges.txt": "#version: 0.2\n" + vocabulary.merges.joined(separator: "\n") + "\r\n",
    ].merging(more) { $1 }
  }

  @Test func `lists and what the files beside them say make a tokenizer`() throws {
    let files = try lists([
      "added_tokens.json": #"{"<|end|>":257,"<tool>":258}"#,
      "special_tokens_map.json": #"{"eos_token":{"content":"<|end|>"}}"#,
      "tokenizer_config.json": """
      {"tokenizer_class":"Qwen2Tokenizer","bos_token":null,"eos_token":"<|end|>","anything":[1],
       "added_tokens_decoder":{"257":{"content":"<|end|>","special":true}}}
      """,
      "generation_config.json": #"{"eos_token_id":[258,257]}"#,
    ])
    try withFolder(files) { folder in
      let tokenizer = try Tokenizer(contentsOf: folder)
      #expect(tokenizer.encode("ab<|end|>e\u{301}<tool>") == [256, 257, 0xC3, 0xA9, 258])
      #expect(tokenizer.specialIDs == [257])
      #expect(tokenizer.endOfTextIDs == [257, 258])
      #expect(tokenizer.beginOfTextID == nil)
    }
  }

  @Test func `the begin-of-text token is added where the configuration says so`() throws {
    let files = try lists([
      "tokenizer_config.json": """
      {"tokenizer_class":"GPT2Tokenizer","bos_token":"ab","add_bos_token":true}
      """
    ])
    try withFolder(files) { folder in
      let tokenizer = try Tokenizer(contentsOf: folder)
      #expect(tokenizer.encode("x") == [256, 120])
      #expect(tokenizer.beginOfTextID == 256)
    }
  }

  @Test(arguments: [
    ["merges.txt": "#version: 0.2\na"],
    ["vocab.json": "[]"],
    ["tokenizer_config.json": "{}"],
    ["tokenizer_config.json": #"{"tokenizer_class":"LlamaTokenizer"}"#],
    ["tokenizer_config.json": #"{"tokenizer_class":"Qwen2Tokenizer","eos_token":"<none>"}"#],
    ["added_tokens.json": #"{"<a>":"x"}"#],
    ["added_tokens.json": #"{"<a>":1}"#],
    ["generation_config.json": #"{"eos_token_id":999999}"#],
    ["special_tokens_map.json": #"{"pad_token":7}"#],
    ["tokenizer.json": "{}"],
  ])
  func `a file that is wrong is an error`(_ wrong: [String: String]) throws {
    let base = ["tokenizer_config.json": #"{"tokenizer_class":"Qwen2Tokenizer"}"#]
    try withFolder(lists(base.merging(wrong) { $1 })) { folder in
      #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: folder) }
    }
  }
}
