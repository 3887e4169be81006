/// The pattern of GPT-2, with or without numbers split off first.
///
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
///
/// With `isolatesDigits` numbers are first split off scalar by scalar, and the pattern then sees
/// each piece alone: no space joins a number, and white space before a number is at an end.
///
/// - Source: Radford et al. 2019, GPT-2's `encoder.py`; `Digits` of Hugging Face `tokenizers`.
struct GPT2Scanner: WordScanner {
  /// Whether every number is a piece of its own.
  var isolatesDigits = false

  @inline(__always)
  func end(from position: Int, to limit: Int, in text: ClassifiedText) -> Int {
    let number = isolatesDigits ? ScalarClasses.numeric : ScalarClasses.number
    var start = position
    var (flags, count) = text.scalar(at: start)
    if text.bytes[start] == ASCII.apostrophe,
      let end = contractionEnd(from: start, to: limit, in: text.bytes)
    {
      return end
    }
    if text.bytes[start] == ASCII.space, start + 1 < limit {
      let next = text.scalar(at: start + 1)
      if next.flags & ScalarClasses.space == 0, !(isolatesDigits && next.flags & number != 0) {
        start += 1
        (flags, count) = next
      }
    }
    if flags & ScalarClasses.letter != 0 {
      return text.endOfRun(from: start + count, to: limit, of: ScalarClasses.letter)
    }
    if flags & number != 0 {
      return isolatesDigits
        ? start + count : text.endOfRun(from: start + count, to: limit, of: number)
    }
    if flags & ScalarClasses.space == 0 {
      return text.endOfRun(
        from: start + count, to: limit,
        of: ScalarClasses.letter | number | ScalarClasses.space, having: false)
    }
    let end = text.endOfRun(from: start + count, to: limit, of: ScalarClasses.space)
    if end == limit { return end }
    if isolatesDigits, text.scalar(at: end).flags & number != 0 { return end }
    return endOfSpaces(from: start, to: end, in: text.bytes)
  }

  @inline(__always)
  private func contractionEnd(
    from start: Int, to limit: Int, in bytes: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    guard start + 1 < limit else { return nil }
    switch bytes[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < limit && bytes[start + 2] == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return start + 2 < limit && bytes[start + 2] == UInt8(ascii: "l") ? start + 3 : nil
    default:
      return nil
    }
  }
}
