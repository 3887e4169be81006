/// Memory that encoding uses again and again: the merge lists, and a cache of split words.
struct EncodingScratch: Sendable {
  /// The ids of the word being merged.
  fileprivate(set) var ids: [UInt32] = []
  fileprivate var ranks: [UInt32] = []
  fileprivate var nodes: [MergeNode] = []
  fileprivate var heap: [UInt64] = []
  /// The words met last and their ids.
  var cache = WordCache()
}

/// A symbol of a long word: a link of a list from left to right.
private struct MergeNode: Sendable {
  var id: UInt32
  /// The rank of the pair that this symbol forms with the next one.
  var rank: UInt32
  var previous: UInt32
  var next: UInt32
}

/// Byte-pair encoding of one word: again and again the pair of lowest rank, leftmost first, becomes
/// one symbol, until no pair has a merge.
///
/// - Source: Sennrich et al. 2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909),
///   algorithm 1, on bytes.
struct BytePairEncoder: Sendable {
  /// The id of each byte's token, or ``noID``.
  let byteIDs: [UInt32]
  /// The merges.
  let merges: MergeTable

  /// Marks a byte that has no token; such bytes are left out, as in Hugging Face `tokenizers`.
  static let noID = UInt32.max
  private static let noNode = UInt32.max
  /// Up to this many bytes a scan for the lowest rank is faster than a heap.
  private static let longestScan = 80

  init(byteIDs: [UInt32], merges: MergeTable) {
    self.byteIDs = byteIDs
    var merges = merges
    merges.indexBytePairs(byteIDs: byteIDs)
    self.merges = merges
  }

  /// Leaves the ids of `word` in `scratch.ids`.
  ///
  /// - Complexity: O(n²) steps for short words, O(n log n) for long ones.
  func encode(_ word: UnsafeBufferPointer<UInt8>, scratch: inout EncodingScratch) {
    scratch.ids.removeAll(keepingCapacity: true)
    scratch.ranks.removeAll(keepingCapacity: true)
    var last: UInt8?
    for byte in word where byteIDs[Int(byte)] != Self.noID {
      if let last { scratch.ranks.append(merges.rank(leftByte: last, rightByte: byte)) }
      scratch.ids.append(byteIDs[Int(byte)])
      last = byte
    }
    guard scratch.ids.count > 1 else { return }
    scratch.ranks.append(MergeTable.noRank)
    if scratch.ids.count <= Self.longestScan {
      mergeByScan(&scratch.ids, &scratch.ranks)
    } else {
      mergeByHeap(&scratch)
    }
  }

  private func mergeByScan(_ idArray: inout [UInt32], _ rankArray: inout [UInt32]) {
    var count = idArray.count
    idArray.withUnsafeMutableBufferPointer { ids in
      rankArray.withUnsafeMutableBufferPointer { ranks in
        while count > 1 {
          var lowest = MergeTable.noRank
          var place = 0
          for index in 0..<count - 1 where ranks[index] < lowest {
            lowest = ranks[index]
            place = index
          }
          guard lowest != MergeTable.noRank else { break }
          ids[place] = merges.mergedID(rank: lowest)
          count -= 1
          for index in place + 1..<max(count, place + 1) {
            ids[index] = ids[index + 1]
            ranks[index] = ranks[index + 1]
          }
          ranks[place] =
            place + 1 < count
            ? merges.rank(left: ids[place], right: ids[place + 1]) : MergeTable.noRank
          if place > 0 {
            ranks[place - 1] = merges.rank(left: ids[place - 1], right: ids[place])
          }
        }
      }
    }
    idArray.removeSubrange(count...)
  }

  /// The same with a linked list and a heap of (rank, position); an entry is stale when the
  /// symbol at its position no longer has that rank.
  private func mergeByHeap(_ scratch: inout EncodingScratch) {
    let count = scratch.ids.count
    precondition(count < Int(Self.noNode), "A word of 4 GiB cannot be encoded.")
    scratch.nodes.removeAll(keepingCapacity: true)
    scratch.heap.removeAll(keepingCapacity: true)
    for index in 0..<count {
      let rank = scratch.ranks[index]
      scratch.nodes.append(
        MergeNode(
          id: scratch.ids[index], rank: rank,
          previous: index == 0 ? Self.noNode : UInt32(index - 1),
          next: index + 1 == count ? Self.noNode : UInt32(index + 1)))
      if rank != MergeTable.noRank {
        scratch.heap.append(UInt64(rank) << 32 | UInt64(index))
      }
    }
    MinimumHeap.order(&scratch.heap)
    while let entry = MinimumHeap.removeLeast(&scratch.heap) {
      let place = Int(entry & 0xFFFF_FFFF)
      let rank = UInt32(entry >> 32)
      guard scratch.nodes[place].rank == rank else { continue }
      merge(at: place, rank: rank, &scratch)
    }
    scratch.ids.removeAll(keepingCapacity: true)
    var index: UInt32 = 0
    while index != Self.noNode {
      scratch.ids.append(scratch.nodes[Int(index)].id)
      index = scratch.nodes[Int(index)].next
    }
    if count > 1 << 16 {
      scratch.nodes = []
      scratch.heap = []
    }
  }

  private func merge(at place: Int, rank: UInt32, _ scratch: inout EncodingScratch) {
    let removed = Int(scratch.nodes[place].next)
    let next = scratch.nodes[removed].next
    scratch.nodes[removed].rank = MergeTable.noRank
    scratch.nodes[place].id = merges.mergedID(rank: rank)
    scratch.nodes[place].next = next
    if next != Self.noNode { scratch.nodes[Int(next)].previous = UInt32(place) }
    updateRank(at: place, &scratch)
    let previous = scratch.nodes[place].previous
    if previous != Self.noNode { updateRank(at: Int(previous), &scratch) }
  }

  private func updateRank(at place: Int, _ scratch: inout EncodingScratch) {
    let node = scratch.nodes[place]
    var rank = MergeTable.noRank
    if node.next != Self.noNode {
      rank = merges.rank(left: node.id, right: scratch.nodes[Int(node.next)].id)
    }
    scratch.nodes[place].rank = rank
    if rank != MergeTable.noRank {
      MinimumHeap.insert(UInt64(rank) << 32 | UInt64(place), into: &scratch.heap)
    }
  }
}
