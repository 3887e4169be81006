import Foundation

/// Reads the tokenizer of a model's folder: `tokenizer.json`, or else `vocab.json` and
/// `merges.txt`, and what the files beside them say.
struct TokenizerFolderReader {
  private let folder: URL
  private var definition: TokenizerDefinition
  private var configuration: [String: TokenizerField] = [:]

  /// The definition that the folder holds.
  static func read(_ folder: URL) throws(TokenizerError) -> TokenizerDefinition {
    var reader = TokenizerFolderReader(
      folder: folder, definition: TokenizerDefinition(file: "vocab.json"))
    try reader.read()
    return reader.definition
  }

  private mutating func read() throws(TokenizerError) {
    configuration = try object("tokenizer_config.json") ?? [:]
    if let data = try contents("tokenizer.json") {
      definition = try TokenizerFileReader.read(data)
    } else {
      try readLists()
    }
    if let token = try namedToken("bos_token") {
      definition.beginOfTextID = try id(of: token)
    }
    if let token = try namedToken("eos_token") {
      definition.endOfTextIDs = [try id(of: token)]
    }
    if let field = try object("generation_config.json")?.present("eos_token_id") {
      try readEndOfTextIDs(field)
    }
  }

  private mutating func readLists() throws(TokenizerError) {
    guard let vocabulary = try contents("vocab.json"), let merges = try contents("merges.txt")
    else {
      throw .unreadable(
        file: "tokenizer.json", reason: "there is neither it nor vocab.json with merges.txt")
    }
    definition.entries = try TokenizerFileReader.vocabulary(
      TokenizerField(
        file: "vocab.json", path: "vocab",
        value: try TokenizerJSON(vocabulary, file: "vocab.json")))
    definition.merges = try Self.merges(merges)
    try readAddedTokens()
    guard let type = configuration.present("tokenizer_class") else {
      throw .invalid(
        file: "tokenizer_config.json", key: "tokenizer_class", found: "absent",
        expected: "the class that says how words are cut")
    }
    let addsPrefixSpace = try configuration.flag("add_prefix_space", default: false)
    if addsPrefixSpace { definition.steps.append(.prefixSpace) }
    switch try type.string() {
    case "Qwen2Tokenizer", "Qwen2TokenizerFast":
      definition.steps.append(.pattern(.qwen2))
      definition.composes = true
    case "GPT2Tokenizer", "GPT2TokenizerFast":
      definition.steps.append(.pattern(.gpt2))
    default:
      throw type.unsupported(
        "\"Qwen2Tokenizer\" and \"GPT2Tokenizer\"; any other needs a tokenizer.json")
    }
    if try configuration.flag("add_bos_token", default: false),
      let token = try namedToken("bos_token")
    {
      definition.prefix = [try id(of: token)]
    }
  }

  private static func merges(
    _ data: Data
  ) throws(TokenizerError) -> [(left: String, right: String)] {
    guard let text = String(data: data, encoding: .utf8) else {
      throw .malformed(file: "merges.txt", reason: "it is not UTF-8 text")
    }
    var lines: [String] = []
    for line in text.utf8.split(separator: ASCII.lineFeed) {
      let end = line.last == ASCII.carriageReturn ? line.dropLast() : line
      let content = String(Substring(end))
      if content.isEmpty || (lines.isEmpty && content.hasPrefix("#version")) { continue }
      lines.append(content)
    }
    return try MergeList.merges(lines, file: "merges.txt", name: "merge")
  }

  /// Added tokens by the rules of the Python tokenizers: `added_tokens_decoder` describes them,
  /// `added_tokens.json` may list more, and a token named for a role is special.
  private mutating func readAddedTokens() throws(TokenizerError) {
    var tokens: [Tokenizer.AddedToken] = []
    var places: [String: Int] = [:]
    if let field = configuration.present("added_tokens_decoder") {
      for (key, member) in try field.object().sorted(by: { $0.key < $1.key }) {
        guard let id = Int(key) else { throw member.invalid(expected: "an id for a key") }
        let members = try member.object(allowed: [
          "content", "single_word", "lstrip", "rstrip", "normalized", "special",
        ])
        let token = try Tokenizer.AddedToken(id: id, members: members, of: member)
        places[token.content] = tokens.count
        tokens.append(token)
      }
    }
    let added = try object("added_tokens.json") ?? [:]
    for (content, field) in added.sorted(by: { $0.key < $1.key }) where places[content] == nil {
      places[content] = tokens.count
      tokens.append(
        Tokenizer.AddedToken(
          content, id: try field.integer(), isSpecial: false, isNormalized: true))
    }
    for field in try roles() {
      let content = try Self.content(field)
      if let place = places[content] {
        tokens[place].isSpecial = true
        if added[content] != nil, configuration["added_tokens_decoder"] == nil {
          tokens[place].isNormalized = false
        }
      } else {
        places[content] = tokens.count
        tokens.append(Tokenizer.AddedToken(content, id: try id(of: field)))
      }
    }
    definition.addedTokens = tokens
  }

  /// The tokens that the files name for a role: `bos_token`, `additional_special_tokens`, ….
  private func roles() throws(TokenizerError) -> [TokenizerField] {
    let names = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map { "\($0)_token" }
    var result: [TokenizerField] = []
    for file in [try object("special_tokens_map.json") ?? [:], configuration] {
      for name in names {
        if let field = file.present(name) { result.append(field) }
      }
      if let more = file.present("additional_special_tokens") { result += try more.array() }
    }
    return result
  }

  private func namedToken(_ key: String) throws(TokenizerError) -> TokenizerField? {
    if let field = configuration.present(key) { return field }
    return try object("special_tokens_map.json")?.present(key)
  }

  /// The text of a token given as a string or as an object with `content`.
  private static func content(_ field: TokenizerField) throws(TokenizerError) -> String {
    if case .string(let text) = field.value { return text }
    return try field.object().required("content", of: field).string()
  }

  /// The id of a token that must be an added one or in the vocabulary.
  private func id(of field: TokenizerField) throws(TokenizerError) -> Int {
    let content = try Self.content(field)
    if let token = definition.addedTokens.first(where: { $0.content == content }) {
      return token.id
    }
    if let entry = definition.entries.first(where: { $0.content == content }) { return entry.id }
    throw field.invalid(expected: "a token of the vocabulary")
  }

  private mutating func readEndOfTextIDs(_ field: TokenizerField) throws(TokenizerError) {
    var ids: [Int] = []
    if case .integer(let id) = field.value {
      ids = [id]
    } else {
      for element in try field.array() { ids.append(try element.integer()) }
    }
    for id in ids where !definition.endOfTextIDs.contains(id) {
      definition.endOfTextIDs.append(id)
    }
  }

  private func object(_ name: String) throws(TokenizerError) -> [String: TokenizerField]? {
    guard let data = try contents(name) else { return nil }
    return try TokenizerField(file: name, value: try TokenizerJSON(data, file: name)).object()
  }

  private func contents(_ name: String) throws(TokenizerError) -> Data? {
    let file = folder.appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    do {
      return try Data(contentsOf: file)
    } catch {
      throw .unreadable(file: name, reason: error.localizedDescription)
    }
  }
}
