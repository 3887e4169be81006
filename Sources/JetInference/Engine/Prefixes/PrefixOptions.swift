/// What an ``Engine`` keeps of prompts, so that later ones with the same beginning start behind it.
public struct PrefixOptions: Hashable, Sendable {
  /// States can be kept at multiples of so many tokens, rounded up to whole pages.
  ///
  /// A prompt is cut where its state is kept. At multiples of ``EngineOptions/chunkTokens`` it is cut anyway, so that a
  /// request reads the same pieces with and without reuse; at others its logits are the same but for rounding.
  public var blockTokens = 256
  /// The most bytes of kept states. Keys and values stay in the runner's pages, which a request that needs them gets.
  public var maximumBytes = 512 << 20
  /// Whether a state is also kept at the last block of every prompt, for conversations that go on.
  public var keepsEnds = false

  /// Creates the options that cost nothing where prompts have nothing in common.
  public init() {}

  /// How many states are kept of some prompts that all wait at once, without a bound on their bytes.
  public func stateCount(of prompts: [[Int]], pageTokens: Int) -> Int {
    var tree = PrefixTree(blockTokens: wholePages(pageTokens))
    let paths = prompts.map { tree.insert($0) }
    let places = paths.flatMap { path in
      path.indices.filter { tree.isFork($0, of: path) || keepsEnds && $0 + 1 == path.count }
        .map { path[$0] }
    }
    return Set(places).count
  }

  /// ``blockTokens``, rounded up.
  func wholePages(_ pageTokens: Int) -> Int {
    (blockTokens + pageTokens - 1) / pageTokens * pageTokens
  }
}
