import JetFormats
import JetText

/// What a GGUF file's metadata say of tokens and templates.
struct GGUFText {
  let file: GGUFFile

  init(_ file: GGUFFile) { self.file = file }

  func tokenizer() throws -> Tokenizer {
    let model = try file.string("tokenizer.ggml.model")
    guard model == "gpt2" else {
      throw CheckpointError(
        "\(file.path) has a tokenizer of the model \(shown(model)); Jet reads byte-pair tokenizers, "
          + "which GGUF calls gpt2")
    }
    let types = "tokenizer.ggml.token_type"
    let pattern = try file.string("tokenizer.ggml.pre")
    return try Tokenizer(
      tokens: file.strings("tokenizer.ggml.tokens"), merges: file.strings("tokenizer.ggml.merges"),
      tokenTypes: file.contains(types) ? file.integers(types) : [], preTokenizer: pattern,
      beginOfTextID: beginToken(), endOfTextIDs: endTokens(),
      addsBeginOfText: addsBegin(),
      addsEndOfText: addsEnd())
  }

  func chatTemplate() throws -> String? {
    let key = "tokenizer.chat_template"
    return file.contains(key) ? try file.string(key) : nil
  }

  /// Whether a text begins with the token for it.
  func addsBegin() throws -> Bool {
    // llama.cpp begins every text of Llama 3 so unless the file says otherwise.
    try flag("add_bos_token") ?? (file.string("tokenizer.ggml.pre") == "llama-bpe")
  }

  /// Whether a text ends with the token for it.
  func addsEnd() throws -> Bool { try flag("add_eos_token") ?? false }

  /// How many tokens the file lists; 0 when it has no tokenizer.
  func tokenCount() throws -> Int {
    let key = "tokenizer.ggml.tokens"
    return file.contains(key) ? try file.strings(key).count : 0
  }

  func beginToken() throws -> Int? { try id("bos") }

  /// The ends of a text, of a turn and of a message, the first one first.
  func endTokens() throws -> [Int] {
    var ids: [Int] = []
    for role in ["eos", "eot", "eom"] {
      if let id = try id(role), !ids.contains(id) { ids.append(id) }
    }
    return ids
  }

  /// The texts of the tokens that have a role.
  func specialTokens() throws -> [String: String] {
    guard file.contains("tokenizer.ggml.tokens") else { return [:] }
    let tokens = try file.strings("tokenizer.ggml.tokens")
    let roles = [
      "bos": "bos", "eos": "eos", "unknown": "unk", "seperator": "sep", "separator": "sep",
      "padding": "pad", "cls": "cls", "mask": "mask",
    ]
    var texts: [String: String] = [:]
    for (stored, role) in roles {
      guard let id = try id(stored) else { continue }
      guard tokens.indices.contains(id) else {
        throw CheckpointError(
          "\(file.path) names token \(id) for \(stored), but lists \(tokens.count) tokens; get the "
            + "file again")
      }
      texts["\(role)_token"] = tokens[id]
    }
    return texts
  }

  private func id(_ role: String) throws -> Int? {
    let key = "tokenizer.ggml.\(role)_token_id"
    return file.contains(key) ? try file.integer(key) : nil
  }

  private func flag(_ name: String) throws -> Bool? {
    let key = "tokenizer.ggml.\(name)"
    return file.contains(key) ? try file.bool(key) : nil
  }
}
