public import JetTensor

/// How many sequences are served together, and how much context they share.
public struct PoolSizes: Hashable, Sendable {
  /// Sequences at once, numbered from 1; slot 0 is for rows that nobody asked for.
  public var slots: Int
  /// Pages of keys and values for the layers that attend to all tokens, numbered from 1.
  public var pages: Int
  /// Tokens of a page.
  public var pageTokens: Int

  /// Sizes of the pools.
  public init(slots: Int, pages: Int, pageTokens: Int = 64) {
    precondition(slots >= 1 && pages >= 1 && pageTokens >= 1, "pools of nothing")
    self.slots = slots
    self.pages = pages
    self.pageTokens = pageTokens
  }

  /// Room for `sequences` of `context` tokens each.
  public init(sequences: Int, context: Int, pageTokens: Int = 64) {
    let each = (context + pageTokens - 1) / pageTokens
    self.init(slots: sequences, pages: sequences * each, pageTokens: pageTokens)
  }

  /// Pages that `tokens` tokens take.
  public func pages(for tokens: Int) -> Int { (tokens + pageTokens - 1) / pageTokens }
}

extension ModelConfiguration {
  /// Bytes of the pools: what a slot takes, and what a page does, slot 0 and page 0 not counted.
  ///
  /// - Parameter dtype: the type of keys, values and convolution windows; memories are float32.
  public func poolBytes(pageTokens: Int, dtype: DType) -> (slot: Int, page: Int) {
    let bytes = stateBytes(context: pageTokens, dtype: dtype)
    return (bytes.fixed, bytes.growing)
  }

  /// Bytes of pools of those sizes, with slot 0 and page 0.
  public func poolBytes(_ sizes: PoolSizes, dtype: DType) -> Int {
    let each = poolBytes(pageTokens: sizes.pageTokens, dtype: dtype)
    return (sizes.slots + 1) * each.slot + (sizes.pages + 1) * each.page
  }
}
