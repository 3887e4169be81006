import Foundation
import JetModels
import JetTensor
import JetTestSupport
import JetText
import Testing

@testable import JetCheckpoint

@Suite("Tokenizer and chat template of a checkpoint")
struct CheckpointTextTests {
  /// Calls `body` with a checkpoint that has these files beside its weights.
  private func with<Result>(
    _ files: [String: String], _ body: (Checkpoint) throws -> Result
  ) throws -> Result {
    let folder = try TemporaryFolder()
    try TinyModels.random(TinyModels.llama, dtype: .bfloat16).save(to: folder.url)
    for (name, text) in files { try folder.write(text, as: name) }
    return try withExtendedLifetime(folder) { try body(Checkpoint(folder.path)) }
  }

  private func rendered(_ files: [String: String]) throws -> String? {
    try with(files) { try $0.chatTemplate()?.render(variables: $0.templateVariables()) }
  }

  @Test("The template's own file comes before the one in tokenizer_config.json")
  func templates() throws {
    let inside = #"{"chat_template": "inside {{ bos_token }}", "bos_token": "<s>"}"#
    #expect(try rendered([:]) == nil)
    #expect(try rendered(["tokenizer_config.json": #"{"chat_template": null}"#]) == nil)
    #expect(try rendered(["tokenizer_config.json": inside]) == "inside <s>")
    #expect(
      try rendered(["tokenizer_config.json": inside, "chat_template.jinja": "own {{ bos_token }}"])
        == "own <s>")
  }

  @Test("Of several templates it is the default one")
  func namedTemplates() throws {
    let several =
      #"{"chat_template": [{"name": "tool_use", "template": "tools"}, "#
      + #"{"name": "default", "template": "plain"}]}"#
    #expect(try rendered(["tokenizer_config.json": several]) == "plain")
    let none = several.replacing("default", with: "rag")
    #expect(throws: CheckpointError.self) { try rendered(["tokenizer_config.json": none]) }
    let wrong = #"{"chat_template": 5}"#
    #expect(throws: CheckpointError.self) { try rendered(["tokenizer_config.json": wrong]) }
    #expect(throws: ChatTemplateError.self) { try rendered(["chat_template.jinja": "{% if %}"]) }
    #expect(throws: (any Error).self) { try rendered(["chat_template.jinja": ""]) }
  }

  @Test("Tokens with a role are texts, whichever file and form they are in")
  func variables() throws {
    let files = [
      "tokenizer_config.json":
        #"{"bos_token": {"content": "<s>", "special": true}, "eos_token": null}"#,
      "special_tokens_map.json": #"{"bos_token": "<x>", "eos_token": "</s>", "pad_token": "<p>"}"#,
    ]
    let variables = try with(files) { try $0.templateVariables() }
    #expect(variables == ["bos_token": "<s>", "eos_token": "</s>", "pad_token": "<p>"])
  }

  @Test("A text ends at the tokens of all files")
  func endTokens() throws {
    func ends(_ files: [String: String]) throws -> Set<Int> {
      try with(files) { try $0.endTokens() }
    }
    #expect(try ends([:]) == [2, 3])
    #expect(try ends(["generation_config.json": #"{"eos_token_id": [5, 2]}"#]) == [2, 3, 5])
    #expect(throws: CheckpointError.self) {
      try ends(["generation_config.json": #"{"eos_token_id": "x"}"#])
    }
  }

  @Test("A folder without a tokenizer says so when it is asked for one")
  func noTokenizer() throws {
    #expect(throws: TokenizerError.self) { try with([:]) { try $0.tokenizer() } }
  }

  @Test(
    "Qwen2.5's vocabulary and merges",
    .enabled(if: exists(qwen), "shared/tokenizers is not beside the repository"))
  func qwenTokenizer() throws {
    var files: [String: String] = [:]
    for name in ["vocab.json", "merges.txt", "tokenizer_config.json"] {
      files[name] = try String(contentsOf: Self.qwen.appending(path: name), encoding: .utf8)
    }
    let (ids, ends, variables) = try with(files) { checkpoint in
      (
        try checkpoint.tokenizer().encode("Hello, world!"), try checkpoint.endTokens(),
        try checkpoint.templateVariables()
      )
    }
    #expect(ids == [9707, 11, 1879, 0])
    #expect(ends == [2, 3, 151_643])
    #expect(variables["eos_token"] == "<|endoftext|>")
  }

  private static let qwen = sharedFolder.appending(path: "tokenizers/qwen2.5")

  @Test("A GGUF file of another kind of tokenizer is refused when its tokenizer is asked for")
  func sentencePieces() throws {
    let folder = try TemporaryFolder()
    var file = GGUFBytes(try TinyModels.random(TinyModels.llama, dtype: .float32))
    file["tokenizer.ggml.model"] = .string("llama")
    file["tokenizer.ggml.tokens"] = .strings(["a", "<s>"])
    file["tokenizer.chat_template"] = .string("{{ bos_token }}")
    try folder.write(file.bytes, as: "m.gguf")
    let checkpoint = try Checkpoint(folder.url.appending(path: "m.gguf").path)
    #expect(throws: CheckpointError.self) { try checkpoint.tokenizer() }
    #expect(throws: CheckpointError.self) { try checkpoint.templateVariables() }
    #expect(try checkpoint.chatTemplate()?.render(variables: ["bos_token": "x"]) == "x")
  }
}
