import Testing

@testable import JetInference

struct PrefixStoreTests {
  private func makeStore(states: Int = 9, keepsEnds: Bool = false) throws -> PrefixStore {
    var options = PrefixOptions()
    options.blockTokens = 3  // A page of the test's runner has 8 tokens.
    options.maximumBytes = states * 10
    options.keepsEnds = keepsEnds
    return try #require(
      PrefixStore(options, TestRunner.capacity(slots: 1, pages: 9, stateBytes: 10)))
  }

  private func prompt(_ blocks: Int..., rest: Int = 1) -> [Int] {
    blocks.flatMap { Array(repeating: $0, count: 8) } + Array(repeating: 9, count: rest)
  }

  /// Reads a whole prompt and has kept what is to be kept.
  private func read(_ store: inout PrefixStore, _ path: [Int], _ count: Int) -> [Int] {
    guard case .now(let kept) = store.beginning(of: path) else { return [-1] }
    store.open(path, after: kept)
    var (start, numbers) = ((kept?.path.count ?? 0) * 8, [Int]())
    while start < count {
      let end = min(store.cut(path, after: start) ?? count, count)
      if let (kept, _) = store.keep(path, at: end, pages: Array(1...9), pageTokens: 8) {
        #expect(kept.pages == Array(1...end / 8))
        store.settle(kept.number)
        numbers.append(end)
      }
      store.read(path, start..<end)
      start = end
    }
    store.close(path, read: count)
    return numbers
  }

  private func start(_ store: PrefixStore, _ path: [Int]) -> Int? {
    guard case .now(let kept) = store.beginning(of: path) else { return nil }
    return (kept?.path.count ?? 0) * 8
  }

  @Test func `states are kept where prompts part and nowhere else`() throws {
    var store = try makeStore()
    #expect(store.blockTokens == 8)
    let prompts = [
      prompt(1, 2, 3, 4), prompt(1, 2, 3, 5), prompt(1, 2, 6), prompt(7, 2, 3), prompt(1, 2, 3, 4),
    ]
    let paths = prompts.map { store.submit($0) }
    #expect(paths.map(\.count) == [4, 4, 3, 3, 4])
    #expect(Set(paths.joined()).count == 9)
    #expect(read(&store, paths[0], 33) == [16, 24, 32])
    #expect(start(store, paths[1]) == 24)
    #expect(read(&store, paths[1], 33) == [])
    #expect(start(store, paths[2]) == 16)
    #expect(start(store, paths[3]) == 0)
    #expect(read(&store, paths[3], 25) == [])
    #expect(start(store, paths[4]) == 32)
  }

  @Test func `a prompt's last token is always read`() throws {
    var store = try makeStore()
    let same = prompt(1, 2, rest: 0)
    let paths = [store.submit(same), store.submit(same)]
    #expect(paths[0].count == 1)
    #expect(read(&store, paths[0], 16) == [8])
    #expect(start(store, paths[1]) == 8)
    #expect(store.submit([]) == [] && store.submit(prompt(1, rest: 0)) == [])
  }

  @Test func `ended prompts are remembered, and the end of each is kept where that is asked for`()
    throws
  {
    var store = try makeStore()
    var ends = try makeStore(keepsEnds: true)
    let (first, second) = (prompt(1, 2, rest: 3), prompt(1, 2, 3))
    let path = store.submit(first)
    #expect(read(&store, path, 19) == [])
    let next = store.submit(second)
    #expect(read(&store, next, 25) == [16])
    let other = ends.submit(first)
    #expect(read(&ends, other, 19) == [16])
    let longer = ends.submit(second)
    #expect(start(ends, longer) == 16)
  }

  @Test func `who would read what another is about to read waits for it`() throws {
    var store = try makeStore()
    let paths = [store.submit(prompt(1, 2)), store.submit(prompt(1, 3)), store.submit(prompt(4))]
    store.open(paths[0], after: nil)
    #expect(start(store, paths[1]) == nil && start(store, paths[2]) == 0)
    let kept = store.keep(paths[0], at: 8, pages: [5, 6, 7], pageTokens: 8)?.kept
    store.read(paths[0], 0..<8)
    #expect(kept?.pages == [5])
    #expect(start(store, paths[1]) == nil)
    let number = try #require(kept?.number)
    store.settle(number)
    #expect(start(store, paths[1]) == 8)
    // A state that is dropped again, with its reader past it, is waited for no more.
    #expect(store.drop(number)?.pages == [5])
    #expect(store.drop(number) == nil)
    #expect(start(store, paths[1]) == 0)
    #expect(store.takeForgotten() == [number] && store.takeForgotten() == [])
  }

  @Test func `a reader that ends is waited for no more`() throws {
    var store = try makeStore()
    let paths = [store.submit(prompt(1, 2)), store.submit(prompt(1, 3))]
    store.open(paths[0], after: nil)
    store.close(paths[0], read: 5)
    #expect(start(store, paths[1]) == 0)
  }

  @Test func `the state that was used the longest time ago goes first`() throws {
    var store = try makeStore(states: 2)
    let paths = [1, 1, 2, 2, 3, 3].enumerated().map { index, block in
      store.submit(prompt(block, 10 + index))
    }
    #expect(read(&store, paths[0], 17) == [8] && read(&store, paths[2], 17) == [8])
    #expect(read(&store, paths[1], 17) == [])  // It uses the first one.
    #expect(read(&store, paths[4], 17) == [8])
    #expect(store.takeForgotten() == [2])
    #expect([paths[1], paths[3], paths[5]].map { start(store, $0) } == [8, 0, 8])
    #expect(store.evict(sparing: 1)?.number == 3)
    #expect(store.evict(sparing: 1) == nil)
  }

  @Test func `without room for a state there is no store`() {
    var options = PrefixOptions()
    options.maximumBytes = 9
    let capacity = TestRunner.capacity(slots: 1, pages: 9, stateBytes: 10)
    #expect(PrefixStore(options, capacity) == nil)
    options.maximumBytes = 0
    #expect(PrefixStore(options, TestRunner.capacity(slots: 1, pages: 9)) == nil)
  }

  @Test func `what is remembered is bounded`() throws {
    var store = try makeStore()
    var random = RandomNumbers(seed: 7)
    for _ in 0..<40 {
      let tokens = (0..<50_001).map { _ in Int.random(in: 0..<1000, using: &random) }
      let path = store.submit(tokens)
      store.close(path, read: nil)
    }
    #expect(store.blockCount * 8 <= PrefixStore.rememberedTokens)
    #expect(store.blockCount * 8 > PrefixStore.rememberedTokens - 60_000)
  }

  @Test func `how many states some prompts have kept is foretold`() {
    var options = PrefixOptions()
    options.blockTokens = 8
    let prompts = [prompt(1, 2, 3), prompt(1, 2, 4), prompt(1, 5), prompt(6), prompt(7)]
    #expect(options.stateCount(of: prompts, pageTokens: 8) == 2)
    #expect(options.stateCount(of: prompts, pageTokens: 16) == 1)
    options.keepsEnds = true
    #expect(options.stateCount(of: prompts, pageTokens: 8) == 7)
  }
}
