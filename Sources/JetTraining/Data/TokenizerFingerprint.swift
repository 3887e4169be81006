public import JetText

extension Tokenizer {
  /// A number that two tokenizers share only if they give texts the same ids, as far as a sample can tell.
  ///
  /// It covers every token of the vocabulary, the tokens that end a text, and the ids of a text with letters, digits,
  /// spaces, signs and other scripts, which depends on merges and on how words are cut.
  public var fingerprint: UInt64 {
    var sum = Checksum()
    sum.add(vocabularySize)
    for id in 0..<vocabularySize {
      sum.add((token(of: id) ?? "").utf8)
      sum.add([0xFF])
    }
    for id in endOfTextIDs { sum.add(id) }
    for id in encode(Self.sample, addSpecialTokens: false, parseSpecialTokens: false) {
      sum.add(id)
    }
    return sum.value
  }

  private static let sample = """
    It's 1,234,567.89 or  twice 42; don't they're WE'LL "quoted" (naïve) façade — e\u{301}
    \tfunc f(x: Int) -> Int { return x &* 31 }\r\n\n    indented   text \u{4F60}\u{597D}, мир! 🙂🇪🇺 ١٢٣
    """
}
