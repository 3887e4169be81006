extension Scheduler {
  /// How many waiting requests are looked at for one that fits.
  private static let admissionWindow = 64

  /// Gives the next request a slot and its pages: the oldest one, or one that fits where older ones
  /// do not, as long as none of those was overtaken too often. Those whose beginning is about to be kept are passed over.
  ///
  /// - Returns: the sequence, to be opened before the next step is made; nil where none fits.
  mutating func admitNext() -> Sequence? {
    guard slots.freeCount > 0 else { return nil }
    // Kept states give way to the oldest request that lacks pages.
    var mayReclaim = true
    for index in waiting.indices.prefix(Self.admissionWindow) {
      guard case .now(let kept) = beginning(of: waiting[index]) else { continue }
      let taken = takePages(waiting[index].pageCount, after: kept, mayReclaim: mayReclaim)
      guard let taken else {
        if waiting[index].overtaken >= options.maximumOvertakes { return nil }
        mayReclaim = false
        continue
      }
      guard let slot = slots.take() else { preconditionFailure("no slot is free") }
      for passed in waiting.startIndex..<index { waiting[passed].overtaken += 1 }
      let next = removeWaiting(at: index)
      let reused = (kept?.pages.count ?? 0) * capacity.pageTokens
      let sequence = Sequence(
        id: next.id, request: next.request, slot: slot, pages: taken, path: next.path,
        state: kept?.number, reusedTokens: reused, readTokens: reused)
      prefixes?.open(next.path, after: kept)
      sequences[slot] = sequence
      order.append(slot)
      return sequence
    }
    return nil
  }

  /// Takes a request out near the front without moving those behind it.
  private mutating func removeWaiting(at index: Int) -> Waiting {
    let removed = waiting[index]
    for place in stride(from: index, to: waiting.startIndex, by: -1) {
      waiting[place] = waiting[place - 1]
    }
    waiting.removeFirst()
    return removed
  }
}
