/// The ids of words met lately that are not one token: direct-mapped, of fixed size.
struct WordCache: Sendable {
  private static let slotCount = 4096
  private static let longestWord = 24
  private static let mostIDs = 11

  private struct Slot {
    /// The bytes of the word, zeros after them.
    var word: (UInt64, UInt64, UInt64) = (0, 0, 0)
    var wordCount: UInt32 = 0
    var idCount: UInt32 = 0
  }

  private var slots: [Slot] = []
  private var ids: [UInt32] = []

  /// A key for ``find(_:)`` and ``store(_:)``: nil if the word is too long to be kept.
  struct Key {
    fileprivate var word: (UInt64, UInt64, UInt64)
    fileprivate var count: UInt32
    fileprivate var slot: Int
  }

  /// The key of the `count` bytes at `start`.
  @inline(__always)
  static func key(_ bytes: UnsafeBufferPointer<UInt8>, start: Int, count: Int) -> Key? {
    guard count <= longestWord else { return nil }
    var word: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &word) { target in
      target.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<start + count])
      )
    }
    var hash = word.0 &* 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ word.1) &* 0xC2B2_AE3D_27D4_EB4F
    hash = (hash ^ (hash >> 29) ^ word.2) &* 0x1656_67B1_9E37_79F9
    return Key(
      word: word, count: UInt32(count), slot: Int(truncatingIfNeeded: hash >> 40) & (slotCount - 1))
  }

  /// The ids of the word, or nil.
  @inline(__always)
  func find(_ key: Key) -> ArraySlice<UInt32>? {
    guard !slots.isEmpty else { return nil }
    let slot = slots[key.slot]
    guard slot.wordCount == key.count, slot.word == key.word else { return nil }
    let first = key.slot * Self.mostIDs
    return ids[first..<first + Int(slot.idCount)]
  }

  /// Keeps the ids of the word, in place of another one if need be; long lists are not kept.
  mutating func store(_ newIDs: [UInt32], for key: Key) {
    guard newIDs.count <= Self.mostIDs else { return }
    if slots.isEmpty {
      slots = Array(repeating: Slot(), count: Self.slotCount)
      ids = Array(repeating: 0, count: Self.slotCount * Self.mostIDs)
    }
    slots[key.slot] = Slot(
      word: key.word, wordCount: key.count, idCount: UInt32(newIDs.count))
    let first = key.slot * Self.mostIDs
    for (index, id) in newIDs.enumerated() { ids[first + index] = id }
  }
}
