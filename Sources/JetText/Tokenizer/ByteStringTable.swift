/// A map from byte strings to token ids: open addressing, one 16-byte slot a key.
///
/// A key of at most seven bytes is kept whole in its slot (its length in the top byte), so that
/// most words of a text are found with one load; longer keys are compared with the arena.
struct ByteStringTable: Sendable {
  private struct Slot {
    var key: UInt64
    var id: UInt32
    var longKeyIndex: UInt32
  }

  private static let emptyID = UInt32.max
  private static let longKeyTag: UInt64 = 0xFF << 56

  private var slots: [Slot]
  private var mask: Int
  private var arena: [UInt8] = []
  private var longKeyStarts: [Int] = [0]

  /// An empty table with room for `capacity` keys at a load of at most 2/3.
  init(capacity: Int) {
    var size = 16
    while size * 2 / 3 <= capacity { size *= 2 }
    slots = Array(
      repeating: Slot(key: 0, id: Self.emptyID, longKeyIndex: 0), count: size)
    mask = size - 1
  }

  /// The first eight bytes at `start` as one little-endian word, cut to `count` bytes.
  @inline(__always)
  private static func head(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int
  ) -> UInt64 {
    if start + 8 <= bytes.count, let base = bytes.baseAddress {
      let word = UInt64(
        littleEndian: UnsafeRawPointer(base + start).loadUnaligned(as: UInt64.self))
      return count >= 8 ? word : word & ((1 << UInt64(count * 8)) - 1)
    }
    var word: UInt64 = 0
    for index in 0..<min(count, 8) { word |= UInt64(bytes[start + index]) << UInt64(index * 8) }
    return word
  }

  @inline(__always)
  private static func mixed(_ word: UInt64) -> UInt64 {
    let product = word &* 0x9E37_79B9_7F4A_7C15
    return product ^ (product >> 32)
  }

  /// The slot key: the string itself if it is short, a tagged 56-bit hash otherwise.
  @inline(__always)
  private static func key(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int
  ) -> UInt64 {
    if count < 8 { return head(bytes, start, count) | UInt64(count) << 56 }
    var hash = UInt64(count)
    var index = 0
    while index < count {
      hash = mixed(hash ^ head(bytes, start + index, count - index)) &+ (hash << 7)
      index += 8
    }
    return hash | longKeyTag
  }

  /// The id stored for the `count` bytes at `start`, or nil.
  @inline(__always)
  func id(_ bytes: UnsafeBufferPointer<UInt8>, start: Int, count: Int) -> UInt32? {
    let key = Self.key(bytes, start, count)
    return slots.withUnsafeBufferPointer { slots in
      var index = Int(truncatingIfNeeded: Self.mixed(key)) & mask
      while slots[index].id != Self.emptyID {
        if slots[index].key == key {
          if count < 8 || isLongKey(slots[index].longKeyIndex, bytes, start, count) {
            return slots[index].id
          }
        }
        index = (index + 1) & mask
      }
      return nil
    }
  }

  private func isLongKey(
    _ index: UInt32, _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int
  ) -> Bool {
    let first = longKeyStarts[Int(index)]
    guard longKeyStarts[Int(index) + 1] - first == count else { return false }
    return arena.withUnsafeBufferPointer { arena in
      for offset in 0..<count where arena[first + offset] != bytes[start + offset] { return false }
      return true
    }
  }

  /// Stores `id` under a key that is not there yet.
  ///
  /// - Returns: false, and nothing is stored, if the key is there already.
  /// - Precondition: no more keys than the capacity that the table was made with.
  mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, id newID: UInt32) -> Bool {
    guard id(bytes, start: 0, count: bytes.count) == nil else { return false }
    let key = Self.key(bytes, 0, bytes.count)
    var index = Int(truncatingIfNeeded: Self.mixed(key)) & mask
    while slots[index].id != Self.emptyID { index = (index + 1) & mask }
    var longKeyIndex: UInt32 = 0
    if bytes.count >= 8 {
      longKeyIndex = UInt32(longKeyStarts.count - 1)
      arena.append(contentsOf: bytes)
      longKeyStarts.append(arena.count)
    }
    slots[index] = Slot(key: key, id: newID, longKeyIndex: longKeyIndex)
    return true
  }
}

extension ByteStringTable {
  /// The id stored for the UTF-8 bytes of `text`, or nil.
  func id(of text: String) -> UInt32? {
    var text = text
    return text.withUTF8 { id($0, start: 0, count: $0.count) }
  }

  /// Stores `id` under the UTF-8 bytes of `text`; false if they are there already.
  mutating func insert(_ text: String, id: UInt32) -> Bool {
    var text = text
    return text.withUTF8 { insert($0, id: id) }
  }
}
