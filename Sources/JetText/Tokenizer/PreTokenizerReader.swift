/// Reads the `pre_tokenizer` of a `tokenizer.json`: a chain that ends in ByteLevel.
struct PreTokenizerReader {
  /// The steps found so far.
  private(set) var steps: [TokenizerDefinition.Step] = []
  /// Whether ByteLevel, which must be the last one, has been found.
  private(set) var isByteLevel = false

  /// The patterns that are known, each with the scanner that does the same.
  static let patterns: [String: Tokenizer.PreTokenizer] = [
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
      .qwen2,
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
      .llama3,
  ]

  /// Adds the steps of `field`.
  mutating func read(_ field: TokenizerField) throws(TokenizerError) {
    guard !field.isNull else { throw field.unsupported("a chain that ends in ByteLevel") }
    let members = try field.object()
    let type = try members.required("type", of: field)
    guard !isByteLevel else { throw type.unsupported("ByteLevel as the last step") }
    switch try type.string() {
    case "Sequence":
      for element in try members.required("pretokenizers", of: field).array() {
        try read(element)
      }
    case "ByteLevel":
      isByteLevel = true
      if try members.flag("add_prefix_space", default: true) { steps.append(.prefixSpace) }
      if try members.flag("use_regex", default: true) { append(.gpt2) }
    case "Digits":
      steps.append(.digits(isIndividual: try members.flag("individual_digits", default: false)))
    case "Split":
      append(try pattern(field, members))
    default:
      throw type.unsupported("\"ByteLevel\", \"Digits\", \"Split\" and \"Sequence\" of them")
    }
  }

  private mutating func append(_ pattern: Tokenizer.PreTokenizer) {
    if pattern == .gpt2, steps.last == .digits(isIndividual: true) {
      steps.removeLast()
      steps.append(.pattern(.smollm))
    } else {
      steps.append(.pattern(pattern))
    }
  }

  private func pattern(
    _ field: TokenizerField, _ members: [String: TokenizerField]
  ) throws(TokenizerError) -> Tokenizer.PreTokenizer {
    let holder = try members.required("pattern", of: field)
    let choices = try holder.object()
    guard let expression = choices["Regex"] else {
      throw holder.unsupported("an object with the key Regex")
    }
    guard let pattern = try Self.patterns[expression.string()] else {
      throw expression.unsupported("the regular expressions of GPT-2, Qwen2 and Llama 3")
    }
    // Matches of these patterns leave nothing between them, so these behaviors are all alike.
    let behavior = try members.required("behavior", of: field)
    let isInverted = try members.flag("invert", default: false)
    switch try (behavior.string(), isInverted) {
    case ("Isolated", _), ("MergedWithPrevious", _), ("MergedWithNext", _), ("Removed", true):
      return pattern
    default:
      throw behavior.unsupported(
        "\"Isolated\", \"MergedWithPrevious\" or \"MergedWithNext\", or \"Removed\" inverted")
    }
  }
}
