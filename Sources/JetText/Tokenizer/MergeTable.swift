/// The merges of a byte-pair vocabulary: which pair of ids becomes which id, and in which order.
///
/// An open-addressing table keyed by both ids in one word; the pairs of single bytes, by which
/// every word begins, have a direct table beside it.
struct MergeTable: Sendable {
  private struct Slot {
    var key: UInt64
    var rank: UInt32
  }

  /// The rank of a pair that no merge names.
  static let noRank = UInt32.max

  private var slots: [Slot]
  private let mask: Int
  private var mergedIDs: [UInt32] = []
  private var bytePairRanks = [UInt32](repeating: noRank, count: 1 << 16)

  /// An empty table with room for `capacity` merges.
  init(capacity: Int) {
    var size = 16
    while size / 2 <= capacity { size *= 2 }
    slots = Array(repeating: Slot(key: 0, rank: Self.noRank), count: size)
    mask = size - 1
  }

  /// The number of merges.
  var count: Int { mergedIDs.count }

  @inline(__always)
  private func firstIndex(_ key: UInt64) -> Int {
    let product = key &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: product >> 32) & mask
  }

  /// Adds the merge of the next rank; a pair that is there already takes the new rank.
  mutating func append(left: UInt32, right: UInt32, merged: UInt32) {
    let key = UInt64(left) << 32 | UInt64(right)
    var index = firstIndex(key)
    while slots[index].rank != Self.noRank, slots[index].key != key { index = (index + 1) & mask }
    slots[index] = Slot(key: key, rank: UInt32(mergedIDs.count))
    mergedIDs.append(merged)
  }

  /// Fills the direct table, once all merges are there; `byteIDs` holds the id of each byte.
  mutating func indexBytePairs(byteIDs: [UInt32]) {
    for left in 0..<256 {
      for right in 0..<256 {
        bytePairRanks[left << 8 | right] = rank(left: byteIDs[left], right: byteIDs[right])
      }
    }
  }

  /// The rank of a pair, lower first, or ``noRank``.
  @inline(__always)
  func rank(left: UInt32, right: UInt32) -> UInt32 {
    let key = UInt64(left) << 32 | UInt64(right)
    return slots.withUnsafeBufferPointer { slots in
      var index = firstIndex(key)
      while slots[index].rank != Self.noRank {
        if slots[index].key == key { return slots[index].rank }
        index = (index + 1) & mask
      }
      return Self.noRank
    }
  }

  /// The rank of the pair of two bytes' tokens, or ``noRank``.
  @inline(__always)
  func rank(leftByte: UInt8, rightByte: UInt8) -> UInt32 {
    bytePairRanks.withUnsafeBufferPointer { $0[Int(leftByte) << 8 | Int(rightByte)] }
  }

  /// The id that the merge of this rank makes.
  @inline(__always)
  func mergedID(rank: UInt32) -> UInt32 {
    mergedIDs.withUnsafeBufferPointer { $0[Int(rank)] }
  }
}
