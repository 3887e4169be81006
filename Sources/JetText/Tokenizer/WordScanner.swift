/// Cuts text into the words within which merges may happen.
///
/// A scanner does what a regular expression whose alternatives cover every text would do when
/// its matches are taken one after the other; ``end(from:to:in:)`` is one match.
protocol WordScanner: Sendable {
  /// The end of the match that starts at `position`, which is before `limit`.
  ///
  /// Nothing from `limit` on is seen: it counts as the end of the text.
  func end(from position: Int, to limit: Int, in text: ClassifiedText) -> Int
}

/// The ASCII bytes that the patterns name.
enum ASCII {
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let apostrophe: UInt8 = 0x27
}

extension WordScanner {
  /// `\s+(?!\S)|\s+` on the white space from `start` to `end`, which something else follows: all
  /// but the last scalar, or that one if it is alone.
  @inline(__always)
  func endOfSpaces(from start: Int, to end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let last = bytes.startOfScalar(before: end)
    return last > start ? last : end
  }
}
