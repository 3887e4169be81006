extension Tokenizer {
  /// The ways to cut text into words that are known here.
  public enum PreTokenizer: Hashable, Sendable, CaseIterable {
    /// GPT-2: words with their leading space, runs of numbers, runs of other characters.
    case gpt2
    /// SmolLM: single digits, and the pattern of GPT-2 between them.
    case smollm
    /// Qwen2: single digits, a leading mark stays with its word, text is brought to form C.
    case qwen2
    /// Llama 3: as Qwen2, with up to three digits in a word, and words that are tokens stay whole.
    case llama3
  }
}

extension Tokenizer.PreTokenizer {
  /// The words of `text`, in order and with nothing left out: `"I'll go"` is `I`, `'ll`, ` go`.
  ///
  /// Merges never cross the border of a word.
  ///
  /// - Complexity: O(n) for n bytes.
  public func words(in text: String) -> [String] {
    switch self {
    case .gpt2: Self.words(in: text, by: GPT2Scanner())
    case .smollm: Self.words(in: text, by: GPT2Scanner(isolatesDigits: true))
    case .qwen2: Self.words(in: text, by: TiktokenScanner(maximumDigits: 1))
    case .llama3: Self.words(in: text, by: TiktokenScanner(maximumDigits: 3))
    }
  }

  private static func words(in text: String, by scanner: some WordScanner) -> [String] {
    var text = text
    return text.withUTF8 { bytes in
      let classified = ClassifiedText(bytes)
      var words: [String] = []
      var position = 0
      while position < bytes.count {
        let end = scanner.end(from: position, to: bytes.count, in: classified)
        words.append(String(decoding: bytes[position..<end], as: UTF8.self))
        position = end
      }
      return words
    }
  }
}
