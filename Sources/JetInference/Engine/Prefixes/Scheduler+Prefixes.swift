extension Scheduler {
  /// Takes the pages of a sequence: those of the kept state first, then free ones.
  ///
  /// - Parameter mayReclaim: whether kept states are dropped where that makes enough pages free.
  /// - Returns: nil where there are too few.
  mutating func takePages(
    _ count: Int, after kept: PrefixStore.Kept?, mayReclaim: Bool
  ) -> [Int]? {
    let shared = kept?.pages ?? []
    let missing = count - shared.count
    if mayReclaim, pages.freeCount < missing {
      let reclaimable = prefixes?.reclaimablePages(pages, sparing: kept?.number) ?? 0
      while pages.freeCount < missing, pages.freeCount + reclaimable >= missing,
        let dropped = prefixes?.evict(sparing: kept?.number)
      {
        pages.give(dropped.pages)
      }
    }
    guard let own = pages.take(missing) else { return nil }
    pages.share(shared)
    return shared + own
  }

  /// Where a waiting request begins.
  func beginning(of request: Waiting) -> PrefixStore.Beginning {
    prefixes?.beginning(of: request.path) ?? .now(nil)
  }

  /// Has the state after a piece kept, where a later prompt can begin with it.
  ///
  /// - Returns: its number.
  mutating func keepState(after piece: PromptPiece) -> Int? {
    guard let sequence = sequences[piece.slot],
      let (kept, evicted) = prefixes?.keep(
        sequence.path, at: piece.start + piece.tokens.count, pages: sequence.pages,
        pageTokens: capacity.pageTokens)
    else { return nil }
    if let evicted { pages.give(evicted.pages) }
    pages.share(kept.pages)
    return kept.number
  }

  /// Takes in which states of a finished step are there.
  ///
  /// - Parameter failed: slots whose states are not to be trusted.
  mutating func settleStates(of step: EngineStep, failed: Set<Int>) {
    for piece in step.pieces {
      guard let state = piece.state else { continue }
      if failed.contains(piece.slot) { drop(state) } else { prefixes?.settle(state) }
    }
  }

  /// Drops the states of a failed step.
  mutating func dropStates(of step: EngineStep) {
    for piece in step.pieces { piece.state.map { drop($0) } }
  }

  /// Drops all states, at the engine's end.
  mutating func dropStates() {
    for state in prefixes?.numbers ?? [] { drop(state) }
  }

  /// The states that the runner may forget, each once.
  mutating func takeForgottenStates() -> [Int] { prefixes?.takeForgotten() ?? [] }

  private mutating func drop(_ state: Int) {
    if let dropped = prefixes?.drop(state) { pages.give(dropped.pages) }
  }
}
