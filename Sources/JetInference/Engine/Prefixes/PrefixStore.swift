/// The states that an ``Engine`` keeps of prompts, by their tokens, and where the prompts of requests begin.
///
/// A state is kept where prompts part: at the last block that a prompt shares with another one that waits, runs or ran
/// lately, and only there, so prompts that have nothing in common cost nothing. A request whose beginning a running
/// sequence is about to read waits for that state. The state that was used the longest time ago goes first.
struct PrefixStore {
  /// A state that the runner keeps.
  struct Kept {
    /// Its number, which no other state ever has.
    let number: Int
    /// The nodes of its tokens.
    let path: ArraySlice<Int>
    /// The pages of its keys and values, all full.
    let pages: [Int]
    /// Whether the step that made it is finished.
    fileprivate(set) var isReady = false
    fileprivate var lastUse: Int
  }

  /// How a waiting prompt can begin.
  enum Beginning {
    /// After a kept state, or without one.
    case now(Kept?)
    /// After a state that is not there yet.
    case later
  }

  /// Tokens of ended prompts that are compared with new ones.
  static let rememberedTokens = 1 << 20

  private let maximumStates: Int
  private let keepsEnds: Bool
  private var tree: PrefixTree
  private var states: [Int: Kept] = [:]
  private var past: ArraySlice<[Int]> = []
  private var pastBlocks = 0
  private var lastNumber = 0
  private var uses = 0
  private var forgotten: [Int] = []

  /// A store without states; nil where not even one fits.
  init?(_ options: PrefixOptions, _ capacity: EngineCapacity) {
    maximumStates =
      capacity.stateBytes > 0 ? options.maximumBytes / capacity.stateBytes : .max
    guard maximumStates > 0, options.maximumBytes > 0 else { return nil }
    keepsEnds = options.keepsEnds
    tree = PrefixTree(blockTokens: options.wholePages(capacity.pageTokens))
  }

  /// How many tokens a block has.
  var blockTokens: Int { tree.blockTokens }
  /// How many states are kept or on their way.
  var stateCount: Int { states.count }
  /// How many blocks are known.
  var blockCount: Int { tree.count }

  // MARK: Prompts

  /// Takes note of a prompt that waits.
  ///
  /// - Returns: its path, for all other calls.
  mutating func submit(_ prompt: [Int]) -> [Int] { tree.insert(prompt) }

  /// Where a waiting prompt begins.
  func beginning(of path: [Int]) -> Beginning {
    for node in path.reversed() {
      if let state = tree[node].state {
        guard let kept = states[state], kept.isReady else { return .later }
        return .now(kept)
      }
      if tree[node].readers > 0 { return .later }
    }
    return .now(nil)
  }

  /// A sequence begins, after `kept` where that is given.
  mutating func open(_ path: [Int], after kept: Kept?) {
    tree.expect(path[(kept?.path.count ?? 0)...])
    guard let kept else { return }
    uses += 1
    states[kept.number]?.lastUse = uses
  }

  /// The first position behind `start` at which the sequence's state is to be kept.
  func cut(_ path: [Int], after start: Int) -> Int? {
    path.indices.dropFirst(start / blockTokens).first { isWanted($0, of: path) }
      .map { ($0 + 1) * blockTokens }
  }

  /// A sequence reads on.
  mutating func read(_ path: [Int], _ tokens: Range<Int>) {
    tree.pass(path[blocks(tokens.lowerBound, path)..<blocks(tokens.upperBound, path)])
  }

  /// A request is over that has read `tokens` tokens of its prompt, or nil where it never began.
  mutating func close(_ path: [Int], read tokens: Int?) {
    if let tokens { tree.pass(path[blocks(tokens, path)...]) }
    past.append(path)
    pastBlocks += path.count
    while pastBlocks * blockTokens > Self.rememberedTokens, let first = past.popFirst() {
      pastBlocks -= first.count
      tree.remove(first)
    }
  }

  private func blocks(_ tokens: Int, _ path: [Int]) -> Int { min(tokens / blockTokens, path.count) }

  private func isWanted(_ index: Int, of path: [Int]) -> Bool {
    tree[path[index]].state == nil
      && (tree.isFork(index, of: path) || keepsEnds && index + 1 == path.count)
  }

  // MARK: States

  /// Takes a number for the state of a sequence at a position, where it is to be kept and there is room.
  ///
  /// - Parameter pages: the sequence's.
  /// - Returns: the state, and the one that goes for it, whose pages are to be given back.
  mutating func keep(
    _ path: [Int], at position: Int, pages: [Int], pageTokens: Int
  ) -> (kept: Kept, evicted: Kept?)? {
    let count = position / blockTokens
    guard position % blockTokens == 0, path.indices.contains(count - 1),
      isWanted(count - 1, of: path)
    else { return nil }
    var evicted: Kept?
    if states.count >= maximumStates {
      evicted = evict()
      guard evicted != nil else { return nil }
    }
    lastNumber += 1
    uses += 1
    let kept = Kept(
      number: lastNumber, path: path[..<count], pages: Array(pages.prefix(position / pageTokens)),
      lastUse: uses)
    states[kept.number] = kept
    tree.keep(kept.number, at: kept.path)
    return (kept, evicted)
  }

  /// The step that made a state is finished.
  mutating func settle(_ number: Int) { states[number]?.isReady = true }

  /// Drops a state.
  ///
  /// - Returns: what it was; its pages are to be given back.
  mutating func drop(_ number: Int) -> Kept? {
    guard let kept = states.removeValue(forKey: number) else { return nil }
    tree.drop(at: kept.path)
    forgotten.append(number)
    return kept
  }

  /// Drops the state that was used the longest time ago, but `spared`.
  mutating func evict(sparing spared: Int? = nil) -> Kept? {
    let oldest = states.values.filter { $0.isReady && $0.number != spared }
      .min { $0.lastUse < $1.lastUse }
    return oldest.flatMap { drop($0.number) }
  }

  /// How many pages nobody holds but states that can be dropped.
  func reclaimablePages(_ pages: NumberPool, sparing spared: Int?) -> Int {
    var holders: [Int: Int] = [:]
    for kept in states.values where kept.isReady && kept.number != spared {
      for page in kept.pages { holders[page, default: 0] += 1 }
    }
    return holders.count { page, count in pages.holders(of: page) == count }
  }

  /// All states, to be dropped one by one.
  var numbers: [Int] { Array(states.keys) }

  /// The numbers of dropped states, each once: the runner may forget them.
  mutating func takeForgotten() -> [Int] {
    defer { forgotten = [] }
    return forgotten
  }
}
