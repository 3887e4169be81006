public import Foundation

extension Tokenizer {
  /// The tokenizer of a model's folder.
  ///
  /// `tokenizer.json` is preferred; without it `vocab.json` and `merges.txt` are read, and
  /// `tokenizer_config.json` must say of which class they are. The ids of
  /// ``beginOfTextID`` and ``endOfTextIDs`` come from `tokenizer_config.json`,
  /// `special_tokens_map.json` and `generation_config.json`.
  ///
  /// - Throws: ``TokenizerError`` when a file is absent, malformed or asks for something that is not
  ///   supported.
  public init(contentsOf folder: URL) throws(TokenizerError) {
    try self.init(try TokenizerFolderReader.read(folder))
  }

  /// The tokenizer that a `tokenizer.json` describes.
  ///
  /// - Throws: ``TokenizerError`` when the data are malformed or ask for something that is not
  ///   supported; the message names the key.
  public init(tokenizerJSON: Data) throws(TokenizerError) {
    try self.init(try TokenizerFileReader.read(tokenizerJSON))
  }

  /// A tokenizer from a vocabulary and its merges.
  ///
  /// - Parameters:
  ///   - vocabulary: the id of each token, spelled in the byte alphabet.
  ///   - merges: pairs of tokens with a space between, in order of rank.
  ///   - preTokenizer: how text is cut into words; ``PreTokenizer/qwen2`` also normalizes.
  ///   - addedTokens: tokens that are found in the text first.
  ///   - beginOfTextID: the id that begins a text.
  ///   - endOfTextIDs: the ids that end a text.
  ///   - addsBeginOfText: whether ``encode(_:addSpecialTokens:parseSpecialTokens:)`` puts
  ///     `beginOfTextID` before a text.
  /// - Throws: ``TokenizerError/invalid(file:key:found:expected:)`` when a merge names an unknown
  ///   token, or an id is out of range or given twice.
  public init(
    vocabulary: [String: Int], merges: [String], preTokenizer: PreTokenizer,
    addedTokens: [AddedToken] = [], beginOfTextID: Int? = nil, endOfTextIDs: [Int] = [],
    addsBeginOfText: Bool = false
  ) throws(TokenizerError) {
    var definition = TokenizerDefinition(file: "the vocabulary")
    definition.entries = vocabulary.sorted { $0.value < $1.value }.map {
      TokenizerDefinition.Entry(content: $0.key, id: $0.value)
    }
    definition.merges = try MergeList.merges(merges, file: definition.file, name: "merge")
    definition.addedTokens = addedTokens
    definition.steps = [.pattern(preTokenizer)]
    definition.composes = preTokenizer == .qwen2
    definition.ignoresMerges = preTokenizer == .llama3
    definition.beginOfTextID = beginOfTextID
    definition.endOfTextIDs = endOfTextIDs
    if addsBeginOfText { definition.prefix = beginOfTextID.map { [$0] } ?? [] }
    try self.init(definition)
  }

  /// A tokenizer from the lists of a GGUF file of tokenizer model `gpt2`.
  ///
  /// - Parameters:
  ///   - tokens: `tokenizer.ggml.tokens`; a token's id is its place.
  ///   - merges: `tokenizer.ggml.merges`.
  ///   - tokenTypes: `tokenizer.ggml.token_type`: 1 normal, 3 control, 4 added, 5 unused; may be
  ///     empty, and then all are normal.
  ///   - preTokenizer: `tokenizer.ggml.pre`: `gpt-2`, `smollm`, `qwen2` or `llama-bpe`.
  ///   - beginOfTextID: `tokenizer.ggml.bos_token_id`.
  ///   - endOfTextIDs: `tokenizer.ggml.eos_token_id`, and `eot_token_id` where there is one.
  ///   - addsBeginOfText: `tokenizer.ggml.add_bos_token`.
  ///   - addsEndOfText: `tokenizer.ggml.add_eos_token`.
  /// - Throws: ``TokenizerError`` when the lists disagree or `preTokenizer` is unknown.
  public init(
    tokens: [String], merges: [String], tokenTypes: [Int] = [], preTokenizer: String,
    beginOfTextID: Int? = nil, endOfTextIDs: [Int] = [], addsBeginOfText: Bool = false,
    addsEndOfText: Bool = false
  ) throws(TokenizerError) {
    let file = "GGUF metadata"
    guard let pattern = PreTokenizer(ggufName: preTokenizer) else {
      throw .unsupported(
        file: file, key: "tokenizer.ggml.pre", found: "\"\(preTokenizer.shortened)\"",
        supported: "gpt-2, smollm, qwen2 and llama-bpe")
    }
    guard tokenTypes.isEmpty || tokenTypes.count == tokens.count else {
      throw .invalid(
        file: file, key: "tokenizer.ggml.token_type", found: "an array of \(tokenTypes.count)",
        expected: "one type for each of the \(tokens.count) tokens")
    }
    var definition = TokenizerDefinition(file: file)
    for (id, token) in tokens.enumerated() {
      let type = tokenTypes.isEmpty ? GGUFTokenType.normal : tokenTypes[id]
      definition.entries.append(
        TokenizerDefinition.Entry(
          content: token, id: id,
          isReachable: type == GGUFTokenType.normal || type == GGUFTokenType.byte))
      if type == GGUFTokenType.control || type == GGUFTokenType.userDefined {
        definition.addedTokens.append(
          AddedToken(token, id: id, isSpecial: type == GGUFTokenType.control))
      }
    }
    definition.merges = try MergeList.merges(merges, file: file, name: "tokenizer.ggml.merges")
    definition.steps = [.pattern(pattern)]
    definition.composes = pattern == .qwen2
    definition.ignoresMerges = pattern == .llama3
    definition.beginOfTextID = beginOfTextID
    definition.endOfTextIDs = endOfTextIDs
    if addsBeginOfText { definition.prefix = beginOfTextID.map { [$0] } ?? [] }
    if addsEndOfText { definition.suffix = Array(endOfTextIDs.prefix(1)) }
    try self.init(definition)
  }
}

/// The values of `tokenizer.ggml.token_type` that matter here.
private enum GGUFTokenType {
  static let normal = 1
  static let control = 3
  static let userDefined = 4
  static let byte = 6
}

extension Tokenizer.PreTokenizer {
  /// The way to cut text that `tokenizer.ggml.pre` names, or nil if it is not known here.
  public init?(ggufName: String) {
    switch ggufName {
    case "gpt-2", "gpt2": self = .gpt2
    case "smollm": self = .smollm
    case "qwen2": self = .qwen2
    case "llama-bpe", "llama3", "llama-v3": self = .llama3
    default: return nil
    }
  }
}
