import JetFormats

extension GGUFText {
  /// The tokenizer as Hugging Face's `tokenizer.json` has it.
  ///
  /// - Throws: ``CheckpointError`` for a way to cut words that has no form there.
  func tokenizerJSON() throws -> JSONText {
    let lists = try tokenizerLists()
    let added = lists.tokens.indices.filter {
      lists.types.isEmpty ? false : [3, 4].contains(lists.types[$0])
    }
    let none = JSONText.null
    func addedToken(_ id: Int) -> JSONText {
      .object([
        ("id", .integer(id)), ("content", .string(lists.tokens[id])), ("single_word", .bool(false)),
        ("lstrip", .bool(false)), ("rstrip", .bool(false)), ("normalized", .bool(false)),
        ("special", .bool(lists.types[id] == 3)),
      ])
    }
    let model = JSONText.object([
      ("type", .string("BPE")), ("dropout", none), ("unk_token", none),
      ("continuing_subword_prefix", none), ("end_of_word_suffix", none), ("fuse_unk", .bool(false)),
      ("byte_fallback", .bool(false)), ("ignore_merges", .bool(lists.pattern.ignoresMerges)),
      ("vocab", .object(lists.tokens.enumerated().map { ($1, .integer($0)) })),
      ("merges", .list(lists.merges.map { .string($0) })),
    ])
    return .object([
      ("version", .string("1.0")), ("truncation", none), ("padding", none),
      ("added_tokens", .list(added.map(addedToken))),
      ("normalizer", lists.pattern.isComposed ? .object([("type", .string("NFC"))]) : none),
      ("pre_tokenizer", lists.pattern.steps), ("post_processor", lists.processor),
      ("decoder", Self.byteLevel(usesPattern: true)), ("model", model),
    ])
  }

  static func byteLevel(usesPattern: Bool) -> JSONText {
    .object([
      ("type", .string("ByteLevel")), ("add_prefix_space", .bool(false)),
      ("trim_offsets", .bool(true)), ("use_regex", .bool(usesPattern)),
    ])
  }

  private struct Lists {
    let tokens: [String]
    let merges: [String]
    let types: [Int]
    let pattern: Pattern
    let processor: JSONText
  }

  /// How words are cut, as `tokenizer.json` says it.
  private struct Pattern {
    let steps: JSONText
    var isComposed = false
    var ignoresMerges = false
  }

  private func tokenizerLists() throws -> Lists {
    // Reading the tokenizer checks the lists.
    _ = try tokenizer()
    let types = "tokenizer.ggml.token_type"
    let tokens = try file.strings("tokenizer.ggml.tokens")
    return Lists(
      tokens: tokens, merges: try file.strings("tokenizer.ggml.merges"),
      types: file.contains(types) ? try file.integers(types) : [], pattern: try pattern(),
      processor: try processor(tokens))
  }

  private func pattern() throws -> Pattern {
    func split(_ expression: String) -> JSONText {
      .object([
        ("type", .string("Sequence")),
        (
          "pretokenizers",
          .list([
            .object([
              ("type", .string("Split")),
              ("pattern", .object([("Regex", .string(expression))])),
              ("behavior", .string("Isolated")), ("invert", .bool(false)),
            ]), Self.byteLevel(usesPattern: false),
          ])
        ),
      ])
    }
    let name = try file.string("tokenizer.ggml.pre")
    switch name {
    case "gpt-2", "gpt2": return Pattern(steps: Self.byteLevel(usesPattern: true))
    case "smollm":
      let digits = JSONText.object([
        ("type", .string("Digits")), ("individual_digits", .bool(true)),
      ])
      return Pattern(
        steps: .object([
          ("type", .string("Sequence")),
          ("pretokenizers", .list([digits, Self.byteLevel(usesPattern: true)])),
        ]))
    case "qwen2":
      return Pattern(
        steps: split(
          #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        ), isComposed: true)
    case "llama-bpe", "llama3", "llama-v3":
      return Pattern(
        steps: split(
          #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        ), ignoresMerges: true)
    default:
      throw CheckpointError(
        "\(file.path) cuts words as \(shown(name)) does, which cannot be written as tokenizer.json")
    }
  }

  /// What is put around a text: its beginning and its end, where the tokenizer asks for them.
  private func processor(_ tokens: [String]) throws -> JSONText {
    let before = try addsBegin() ? [beginToken()].compactMap { $0 } : []
    let after = try addsEnd() ? Array(endTokens().prefix(1)) : []
    guard !before.isEmpty || !after.isEmpty else { return .null }
    func special(_ id: Int) -> JSONText {
      .object([
        (
          "SpecialToken",
          .object([("id", .string(tokens[id])), ("type_id", .integer(0))])
        )
      ])
    }
    let text = JSONText.object([
      ("Sequence", .object([("id", .string("A")), ("type_id", .integer(0))]))
    ])
    let single = before.map(special) + [text] + after.map(special)
    let described = Set(before + after).sorted().map { id -> (String, JSONText) in
      let name = JSONText.string(tokens[id])
      return (
        tokens[id],
        .object([("id", name), ("ids", .list([.integer(id)])), ("tokens", .list([name]))])
      )
    }
    return .object([
      ("type", .string("TemplateProcessing")), ("single", .list(single)), ("pair", .list(single)),
      ("special_tokens", .object(described)),
    ])
  }
}
