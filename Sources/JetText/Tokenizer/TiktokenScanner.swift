/// The pattern of Qwen2 with one digit in a word, and of Llama 3 with up to three.
///
/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
///
/// - Source: the `tokenizer.json` of Qwen2 and of Llama 3; the original is OpenAI's `cl100k_base`.
struct TiktokenScanner: WordScanner {
  /// The longest run of numbers in one word.
  var maximumDigits: Int

  @inline(__always)
  func end(from position: Int, to limit: Int, in text: ClassifiedText) -> Int {
    let bytes = text.bytes
    let (flags, count) = text.scalar(at: position)
    let next = position + count
    if flags & ScalarClasses.letter != 0 {
      return text.endOfRun(from: next, to: limit, of: ScalarClasses.letter)
    }
    if flags & ScalarClasses.number != 0 {
      return endOfNumber(from: next, to: limit, in: text)
    }
    let first = bytes[position]
    if first == ASCII.apostrophe, let end = contractionEnd(from: position, to: limit, in: bytes) {
      return end
    }
    var following: (flags: UInt8, count: Int) = (ScalarClasses.space, 0)
    if next < limit {
      following = text.scalar(at: next)
      if following.flags & ScalarClasses.letter != 0, !Self.isLineEnd(first) {
        return text.endOfRun(
          from: next + following.count, to: limit, of: ScalarClasses.letter)
      }
    }
    let wordOrSpace = ScalarClasses.letter | ScalarClasses.number | ScalarClasses.space
    if flags & ScalarClasses.space == 0
      || (first == ASCII.space && following.flags & wordOrSpace == 0)
    {
      var end = text.endOfRun(from: next, to: limit, of: wordOrSpace, having: false)
      while end < limit, Self.isLineEnd(bytes[end]) { end += 1 }
      return end
    }
    let end = text.endOfRun(from: next, to: limit, of: ScalarClasses.space)
    var lineEnd = end
    while lineEnd > position {
      if Self.isLineEnd(bytes[lineEnd - 1]) { return lineEnd }
      lineEnd -= 1
    }
    return end == limit ? end : endOfSpaces(from: position, to: end, in: bytes)
  }

  @inline(__always)
  private static func isLineEnd(_ byte: UInt8) -> Bool {
    byte == ASCII.lineFeed || byte == ASCII.carriageReturn
  }

  @inline(__always)
  private func endOfNumber(from start: Int, to limit: Int, in text: ClassifiedText) -> Int {
    var end = start
    var digits = 1
    while digits < maximumDigits, end < limit {
      let (flags, count) = text.scalar(at: end)
      guard flags & ScalarClasses.number != 0 else { break }
      end += count
      digits += 1
    }
    return end
  }

  /// The end of a contraction in either case; U+017F (ſ) folds to `s`.
  @inline(__always)
  private func contractionEnd(
    from start: Int, to limit: Int, in bytes: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    guard start + 1 < limit else { return nil }
    let lower = bytes[start + 1] | 0x20
    switch bytes[start + 1] {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
      break
    case 0xC5:
      return start + 2 < limit && bytes[start + 2] == 0xBF ? start + 3 : nil
    default:
      return nil
    }
    switch lower {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < limit && bytes[start + 2] | 0x20 == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return start + 2 < limit && bytes[start + 2] | 0x20 == UInt8(ascii: "l") ? start + 3 : nil
    default:
      return nil
    }
  }
}
