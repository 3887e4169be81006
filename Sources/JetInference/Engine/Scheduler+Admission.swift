extension Scheduler {
  /// How many waiting requests are looked at for one that fits.
  private static let admissionWindow = 64

  /// Gives the next request a slot and its pages: the oldest one, or one that fits where older ones
  /// do not, as long as none of those was overtaken too often.
  ///
  /// - Returns: the sequence, to be opened before the next step is made; nil where none fits.
  mutating func admitNext() -> Sequence? {
    guard slots.freeCount > 0 else { return nil }
    for index in waiting.indices.prefix(Self.admissionWindow) {
      guard let taken = pages.take(waiting[index].pageCount) else {
        if waiting[index].overtaken >= options.maximumOvertakes { return nil }
        continue
      }
      guard let slot = slots.take() else { preconditionFailure("no slot is free") }
      for passed in waiting.startIndex..<index { waiting[passed].overtaken += 1 }
      let next = removeWaiting(at: index)
      let sequence = Sequence(id: next.id, request: next.request, slot: slot, pages: taken)
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
