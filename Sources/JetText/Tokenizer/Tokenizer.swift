/// Byte-level byte-pair encoding: text to token ids and back, equal to Hugging Face `tokenizers`.
///
/// ```swift
/// let tokenizer = try Tokenizer(contentsOf: folder)
/// let ids = tokenizer.encode("Hello, world!")
/// let text = tokenizer.decode(ids)
/// ```
///
/// A tokenizer is an immutable value that may be used from many threads at once; copies share the
/// tables.
///
/// - Source: Sennrich et al. 2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909); the
///   byte alphabet is that of GPT-2 (Radford et al. 2019).
public struct Tokenizer: Sendable {
  let tables: TokenizerTables

  init(_ definition: TokenizerDefinition) throws(TokenizerError) {
    tables = try TokenizerTables(definition)
  }

  /// One more than the highest id.
  ///
  /// There may be gaps, and models often have more rows than this.
  public var vocabularySize: Int { tables.contents.count }

  /// The ids of the special tokens: those that ``decode(_:skipSpecialTokens:)`` can leave out.
  public var specialIDs: Set<Int> { tables.specialIDs }

  /// The id that begins a text, where the files name one.
  public var beginOfTextID: Int? { tables.beginOfTextID }

  /// The ids that end a text, where the files name any; the first is the tokenizer's own.
  public var endOfTextIDs: [Int] { tables.endOfTextIDs }

  /// The id of a token written as in the vocabulary (`Ġthe`, `<|im_end|>`), or nil.
  public func id(of token: String) -> Int? {
    tables.ids.id(of: token).map { Int($0) }
  }

  /// The token of an id as the vocabulary writes it, or nil.
  public func token(of id: Int) -> String? {
    tables.contents.indices.contains(id) ? tables.contents[id] : nil
  }
}

extension Tokenizer {
  /// A token found in a text before it is cut into words.
  public struct AddedToken: Hashable, Sendable {
    /// The text of the token.
    public var content: String
    /// The id of the token.
    public var id: Int
    /// Whether the token steers the model, as `<|im_end|>` does, rather than being text.
    public var isSpecial: Bool
    /// Whether the token takes the white space before it (`lstrip`).
    public var stripsLeft: Bool
    /// Whether the token takes the white space after it (`rstrip`).
    public var stripsRight: Bool
    /// Whether the token is not looked for inside words (`single_word`).
    public var isSingleWord: Bool
    /// Whether the token is looked for in the normalized text (`normalized`).
    public var isNormalized: Bool

    /// An added token; all flags but `isSpecial` are rare.
    public init(
      _ content: String, id: Int, isSpecial: Bool = true, stripsLeft: Bool = false,
      stripsRight: Bool = false, isSingleWord: Bool = false, isNormalized: Bool = false
    ) {
      self.content = content
      self.id = id
      self.isSpecial = isSpecial
      self.stripsLeft = stripsLeft
      self.stripsRight = stripsRight
      self.isSingleWord = isSingleWord
      self.isNormalized = isNormalized
    }
  }
}
