/// All that makes a tokenizer, as read from whatever file, before tables are made of it.
struct TokenizerDefinition {
  /// A token of the model's own vocabulary.
  struct Entry {
    var content: String
    var id: Int
    /// Whether text can become this token; false for added and unused tokens of token lists.
    var isReachable = true
  }

  /// What happens to a piece of text, step by step, before merges.
  enum Step: Equatable {
    /// A space is put before a piece that does not begin with one.
    case prefixSpace
    case digits(isIndividual: Bool)
    case pattern(Tokenizer.PreTokenizer)
  }

  /// The name of the file that messages blame.
  var file: String
  var entries: [Entry] = []
  var merges: [(left: String, right: String)] = []
  var addedTokens: [Tokenizer.AddedToken] = []
  /// Whether text is brought to normalization form C first.
  var composes = false
  var steps: [Step] = []
  /// Whether a word that is a token is taken as it is, even where merges do not lead to it.
  var ignoresMerges = false
  /// The ids that special-token encoding puts before and after a text.
  var prefix: [Int] = []
  var suffix: [Int] = []
  var beginOfTextID: Int?
  var endOfTextIDs: [Int] = []

  init(file: String) {
    self.file = file
  }

  /// `text` as the normalizer leaves it.
  func normalized(_ text: String) -> String {
    guard composes else { return text }
    var text = text
    let bytes = text.withUTF8 { CanonicalComposition.composed($0) }
    return bytes.map { String(decoding: $0, as: UTF8.self) } ?? text
  }
}
