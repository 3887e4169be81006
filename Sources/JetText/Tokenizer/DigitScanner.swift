/// Runs of numbers, or single ones, and the runs of everything else between them.
///
/// - Source: the `Digits` pre-tokenizer of Hugging Face `tokenizers`.
struct DigitScanner: WordScanner {
  /// Whether each number is a piece of its own.
  var isIndividual: Bool

  @inline(__always)
  func end(from position: Int, to limit: Int, in text: ClassifiedText) -> Int {
    let (flags, count) = text.scalar(at: position)
    let isNumber = flags & ScalarClasses.numeric != 0
    if isNumber, isIndividual { return position + count }
    return text.endOfRun(
      from: position + count, to: limit, of: ScalarClasses.numeric, having: isNumber)
  }
}
