import Foundation

/// Reads `tokenizer.json`, the file of Hugging Face `tokenizers`.
///
/// - Source: the [tokenizers documentation](https://huggingface.co/docs/tokenizers) and the files
///   of GPT-2, Qwen2, Llama 3 and SmolLM2.
struct TokenizerFileReader {
  private var definition: TokenizerDefinition

  /// The definition that the file holds.
  static func read(
    _ data: Data, file: String = "tokenizer.json"
  ) throws(TokenizerError) -> TokenizerDefinition {
    var reader = TokenizerFileReader(definition: TokenizerDefinition(file: file))
    let top = TokenizerField(file: file, value: try TokenizerJSON(data, file: file))
    try reader.read(top)
    return reader.definition
  }

  private mutating func read(_ top: TokenizerField) throws(TokenizerError) {
    let members = try top.object(allowed: [
      "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
      "post_processor", "decoder", "model",
    ])
    for key in ["truncation", "padding"] {
      if let field = members.present(key) { throw field.unsupported("null") }
    }
    try readModel(try members.required("model", of: top))
    if let field = members.present("added_tokens") { try readAddedTokens(field) }
    if let field = members.present("normalizer") { try readNormalizer(field) }
    var reader = PreTokenizerReader()
    let preTokenizer = try members.required("pre_tokenizer", of: top)
    try reader.read(preTokenizer)
    guard reader.isByteLevel else { throw preTokenizer.unsupported("a ByteLevel step at the end") }
    definition.steps = reader.steps
    if let field = members.present("post_processor") { try readPostProcessor(field) }
    try readDecoder(try members.required("decoder", of: top))
  }

  private mutating func readModel(_ field: TokenizerField) throws(TokenizerError) {
    let members = try field.object(allowed: [
      "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
      "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges",
    ])
    if let type = members.present("type"), try type.string() != "BPE" {
      throw type.unsupported("\"BPE\"")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix", "unk_token"] {
      if let text = members.present(key), try !text.string().isEmpty {
        throw text.unsupported("null")
      }
    }
    if let dropout = members.present("dropout") {
      switch dropout.value {
      case .integer(0), .number(0): break
      default: throw dropout.unsupported("null")
      }
    }
    if try members.flag("byte_fallback", default: false), let field = members["byte_fallback"] {
      throw field.unsupported("false")
    }
    definition.ignoresMerges = try members.flag("ignore_merges", default: false)
    definition.entries = try Self.vocabulary(try members.required("vocab", of: field))
    definition.merges = try Self.merges(try members.required("merges", of: field))
  }

  /// The entries of an object from tokens to ids.
  static func vocabulary(
    _ field: TokenizerField
  ) throws(TokenizerError) -> [TokenizerDefinition.Entry] {
    guard case .object(let members) = field.value else {
      throw field.invalid(expected: "an object from tokens to ids")
    }
    var entries: [TokenizerDefinition.Entry] = []
    entries.reserveCapacity(members.count)
    for (key, value) in members {
      guard case .integer(let id) = value else {
        throw TokenizerField(
          file: field.file, path: "\(field.path)[\"\(key.shortened)\"]", value: value
        ).invalid(expected: "an integer id")
      }
      entries.append(TokenizerDefinition.Entry(content: key, id: id))
    }
    return entries
  }

  /// The merges of an array of `"left right"` or of `["left", "right"]`.
  private static func merges(
    _ field: TokenizerField
  ) throws(TokenizerError) -> [(left: String, right: String)] {
    guard case .array(let values) = field.value else { throw field.invalid(expected: "an array") }
    var merges: [(left: String, right: String)] = []
    merges.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      switch value {
      case .string(let line):
        if let merge = MergeList.merge(line) {
          merges.append(merge)
          continue
        }
      case .array(let parts):
        if parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1],
          !left.isEmpty, !right.isEmpty
        {
          merges.append((left, right))
          continue
        }
      default:
        break
      }
      throw TokenizerField(file: field.file, path: "\(field.path)[\(index)]", value: value)
        .invalid(expected: "two tokens with a space between, or an array of two tokens")
    }
    return merges
  }

  private mutating func readAddedTokens(_ field: TokenizerField) throws(TokenizerError) {
    for element in try field.array() {
      let members = try element.object(allowed: [
        "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special",
      ])
      definition.addedTokens.append(
        try Tokenizer.AddedToken(
          id: try members.required("id", of: element).integer(), members: members, of: element))
    }
  }

  private mutating func readNormalizer(_ field: TokenizerField) throws(TokenizerError) {
    let members = try field.object()
    let type = try members.required("type", of: field)
    switch try type.string() {
    case "NFC":
      definition.composes = true
    case "Sequence":
      for element in try members.required("normalizers", of: field).array() {
        try readNormalizer(element)
      }
    default:
      throw type.unsupported("null, \"NFC\" and \"Sequence\" of them")
    }
  }

  private mutating func readDecoder(_ field: TokenizerField) throws(TokenizerError) {
    let members = try field.object()
    let type = try members.required("type", of: field)
    if try type.string() == "Sequence" {
      let decoders = try members.required("decoders", of: field)
      let elements = try decoders.array()
      guard elements.count == 1 else { throw decoders.unsupported("one ByteLevel decoder") }
      return try readDecoder(elements[0])
    }
    guard try type.string() == "ByteLevel" else { throw type.unsupported("\"ByteLevel\"") }
  }

  private mutating func readPostProcessor(_ field: TokenizerField) throws(TokenizerError) {
    let members = try field.object()
    let type = try members.required("type", of: field)
    switch try type.string() {
    case "ByteLevel":
      break
    case "Sequence":
      for element in try members.required("processors", of: field).array() {
        try readPostProcessor(element)
      }
    case "TemplateProcessing":
      try readTemplate(field, members)
    default:
      throw type.unsupported("\"ByteLevel\", \"TemplateProcessing\" and \"Sequence\" of them")
    }
  }

  private mutating func readTemplate(
    _ field: TokenizerField, _ members: [String: TokenizerField]
  ) throws(TokenizerError) {
    guard definition.prefix.isEmpty, definition.suffix.isEmpty else {
      throw field.unsupported("one TemplateProcessing")
    }
    let specialTokens = try members.required("special_tokens", of: field).object()
    let single = try members.required("single", of: field)
    var sequenceCount = 0
    for element in try single.array() {
      let piece = try element.object(allowed: ["SpecialToken", "Sequence"])
      if let sequence = piece["Sequence"] {
        let id = try sequence.object().required("id", of: sequence)
        guard try id.string() == "A" else { throw id.unsupported("\"A\"") }
        sequenceCount += 1
      } else {
        let token = try piece.required("SpecialToken", of: element)
        let id = try token.object().required("id", of: token)
        guard let special = try specialTokens[id.string()] else {
          throw id.invalid(expected: "a key of special_tokens")
        }
        for number in try special.object().required("ids", of: special).array() {
          let value = try number.integer()
          if sequenceCount == 0 {
            definition.prefix.append(value)
          } else {
            definition.suffix.append(value)
          }
        }
      }
    }
    guard sequenceCount == 1 else { throw single.unsupported("the Sequence \"A\" once") }
  }
}

extension Tokenizer.AddedToken {
  /// The token that an object of `added_tokens` or `added_tokens_decoder` describes.
  init(
    id: Int, members: [String: TokenizerField], of owner: TokenizerField
  ) throws(TokenizerError) {
    let isSpecial = try members.flag("special", default: false)
    self.init(
      try members.required("content", of: owner).string(), id: id, isSpecial: isSpecial,
      stripsLeft: try members.flag("lstrip", default: false),
      stripsRight: try members.flag("rstrip", default: false),
      isSingleWord: try members.flag("single_word", default: false),
      isNormalized: try members.flag("normalized", default: !isSpecial))
  }
}
