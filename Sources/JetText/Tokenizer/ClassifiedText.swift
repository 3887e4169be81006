/// Valid UTF-8 read scalar by scalar together with the flags of ``ScalarClasses``.
struct ClassifiedText {
  /// The text.
  let bytes: UnsafeBufferPointer<UInt8>
  private let classes = ScalarClasses.shared

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// The flags of the scalar that starts at `position`, and its number of bytes.
  @inline(__always)
  func scalar(at position: Int) -> (flags: UInt8, count: Int) {
    let first = bytes[position]
    if first < 0x80 { return (classes[ascii: first], 1) }
    let (value, count) = bytes.scalarValue(at: position)
    return (classes[value], count)
  }

  /// The end of the run of scalars, from `position`, that have or have not one of the flags `mask`.
  @inline(__always)
  func endOfRun(from position: Int, to limit: Int, of mask: UInt8, having: Bool = true) -> Int {
    var position = position
    while position < limit {
      let (flags, count) = scalar(at: position)
      guard (flags & mask != 0) == having else { break }
      position += count
    }
    return position
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The value of the scalar that starts at `position` of valid UTF-8, and its number of bytes.
  @inline(__always)
  func scalarValue(at position: Int) -> (value: UInt32, count: Int) {
    let first = UInt32(self[position])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(self[position + 1] & 0x3F)
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
    let third = UInt32(self[position + 2] & 0x3F)
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
    let fourth = UInt32(self[position + 3] & 0x3F)
    return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
  }

  /// The start of the scalar of valid UTF-8 that ends before `position`.
  @inline(__always)
  func startOfScalar(before position: Int) -> Int {
    var start = position - 1
    while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }
}
