extension Tokenizer {
  /// The token ids of `text`.
  ///
  /// Added tokens are found first; the text between them is normalized, cut into words, and each
  /// word merged from bytes.
  ///
  /// - Parameters:
  ///   - text: any text, of any length.
  ///   - addSpecialTokens: whether to add what the tokenizer puts around a text, such as the
  ///     begin-of-text token of Llama 3; many tokenizers put nothing.
  ///   - parseSpecialTokens: whether special tokens written in the text become their ids; pass
  ///     false for text from strangers. Added tokens that are not special are always found.
  /// - Returns: the ids in order, each below ``vocabularySize``.
  /// - Complexity: O(n log n) for n bytes, and O(n) on ordinary text.
  public func encode(
    _ text: String, addSpecialTokens: Bool = true, parseSpecialTokens: Bool = true
  ) -> [Int] {
    var text = text
    var encoding = TextEncoding(tables)
    if addSpecialTokens { encoding.ids += tables.prefix }
    text.withUTF8 { encoding.append($0, includingSpecial: parseSpecialTokens) }
    if addSpecialTokens { encoding.ids += tables.suffix }
    tables.scratchPool.giveBack(encoding.scratch)
    return encoding.ids
  }
}

/// One call of ``Tokenizer/encode(_:addSpecialTokens:parseSpecialTokens:)`` as it goes on.
private struct TextEncoding {
  let tables: TokenizerTables
  var ids: [Int] = []
  var scratch: EncodingScratch

  init(_ tables: TokenizerTables) {
    self.tables = tables
    scratch = tables.scratchPool.borrow()
  }

  mutating func append(_ text: UnsafeBufferPointer<UInt8>, includingSpecial: Bool) {
    ids.reserveCapacity(ids.count + text.count / 4 + 4)
    var start = 0
    tables.addedTokens.forEachMatch(in: text, includingSpecial: includingSpecial) { match in
      if start < match.start {
        normalize(
          UnsafeBufferPointer(rebasing: text[start..<match.start]),
          includingSpecial: includingSpecial)
      }
      ids.append(Int(match.id))
      start = match.end
    }
    if start < text.count {
      normalize(
        UnsafeBufferPointer(rebasing: text[start...]), includingSpecial: includingSpecial)
    }
  }

  private mutating func normalize(_ text: UnsafeBufferPointer<UInt8>, includingSpecial: Bool) {
    if tables.composes, let composed = CanonicalComposition.composed(text) {
      composed.withUnsafeBufferPointer { split($0, includingSpecial: includingSpecial) }
    } else {
      split(text, includingSpecial: includingSpecial)
    }
  }

  private mutating func split(_ text: UnsafeBufferPointer<UInt8>, includingSpecial: Bool) {
    var start = 0
    tables.normalizedAddedTokens.forEachMatch(
      in: text, includingSpecial: includingSpecial
    ) { match in
      if start < match.start {
        apply(tables.steps[...], to: UnsafeBufferPointer(rebasing: text[start..<match.start]))
      }
      ids.append(Int(match.id))
      start = match.end
    }
    if start < text.count {
      apply(tables.steps[...], to: UnsafeBufferPointer(rebasing: text[start...]))
    }
  }

  private mutating func apply(
    _ steps: ArraySlice<TokenizerDefinition.Step>, to piece: UnsafeBufferPointer<UInt8>
  ) {
    guard let step = steps.first else {
      appendWord(piece, 0, piece.count)
      return
    }
    let rest = steps.dropFirst()
    switch step {
    case .prefixSpace:
      guard piece.first != ASCII.space else { return apply(rest, to: piece) }
      ([ASCII.space] + piece).withUnsafeBufferPointer { apply(rest, to: $0) }
    case .digits(let isIndividual):
      cut(piece, by: DigitScanner(isIndividual: isIndividual), rest)
    case .pattern(.gpt2):
      cut(piece, by: GPT2Scanner(), rest)
    case .pattern(.smollm):
      cut(piece, by: GPT2Scanner(isolatesDigits: true), rest)
    case .pattern(.qwen2):
      cut(piece, by: TiktokenScanner(maximumDigits: 1), rest)
    case .pattern(.llama3):
      cut(piece, by: TiktokenScanner(maximumDigits: 3), rest)
    }
  }

  @inline(__always)
  private mutating func cut(
    _ piece: UnsafeBufferPointer<UInt8>, by scanner: some WordScanner,
    _ rest: ArraySlice<TokenizerDefinition.Step>
  ) {
    let text = ClassifiedText(piece)
    var position = 0
    if rest.isEmpty {
      while position < piece.count {
        let end = scanner.end(from: position, to: piece.count, in: text)
        appendWord(piece, position, end)
        position = end
      }
    } else {
      while position < piece.count {
        let end = scanner.end(from: position, to: piece.count, in: text)
        apply(rest, to: UnsafeBufferPointer(rebasing: piece[position..<end]))
        position = end
      }
    }
  }

  @inline(__always)
  private mutating func appendWord(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int
  ) {
    if let id = tables.words.id(text, start: start, count: end - start) {
      ids.append(Int(id))
    } else {
      appendMergedWord(text, start, end)
    }
  }

  private mutating func appendMergedWord(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int
  ) {
    let key = WordCache.key(text, start: start, count: end - start)
    if let key, let found = scratch.cache.find(key) {
      for id in found { ids.append(Int(id)) }
      return
    }
    tables.encoder.encode(
      UnsafeBufferPointer(rebasing: text[start..<end]), scratch: &scratch)
    for id in scratch.ids { ids.append(Int(id)) }
    if let key { scratch.cache.store(scratch.ids, for: key) }
  }
}
