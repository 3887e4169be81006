import Testing

@testable import JetInference

/// How a scheduler shares pages between sequences and kept states. Pages, blocks and chunks have 8 tokens.
struct SchedulerPrefixTests {
  private func makeScheduler(slots: Int = 4, pages: Int = 100) throws -> Scheduler {
    var options = EngineOptions()
    options.chunkTokens = 8
    options.prefixes = PrefixOptions()
    options.prefixes?.blockTokens = 8
    return try Scheduler(
      capacity: TestRunner.capacity(slots: slots, pages: pages), options: options)
  }

  /// A request whose prompt has 16 tokens of one kind and some of another.
  private func request(_ beginning: Int, _ rest: Int, count: Int = 4) -> EngineRequest {
    EngineRequest(
      prompt: Array(repeating: beginning, count: 16) + Array(repeating: rest, count: count),
      options: GenerationOptions(maximumTokens: 4, ignoresStopTokens: true))
  }

  private func admitted(_ scheduler: inout Scheduler) -> [Scheduler.Sequence] {
    var found: [Scheduler.Sequence] = []
    while let next = scheduler.admitNext() { found.append(next) }
    return found
  }

  /// Makes and completes a step.
  @discardableResult
  private func step(_ scheduler: inout Scheduler) throws -> EngineStep {
    let made = scheduler.nextStep()
    let step = try #require(made)
    _ = try scheduler.complete(step.choosing.map { SlotToken(slot: $0, token: 1) })
    return step
  }

  private func submit(_ scheduler: inout Scheduler, _ requests: [EngineRequest]) throws {
    for (number, request) in requests.enumerated() {
      _ = try scheduler.submit(request, id: RequestID(number: number))
    }
  }

  @Test func `two sequences and a state share pages, and free them once`() throws {
    var scheduler = try makeScheduler()
    try submit(&scheduler, [request(1, 2), request(1, 3), request(4, 5)])
    let first = admitted(&scheduler)
    #expect(first.map(\.id.number) == [0, 2])
    #expect(try step(&scheduler).pieces.map(\.state) == [nil, nil])
    #expect(admitted(&scheduler).isEmpty)
    #expect(try step(&scheduler).pieces.map(\.state) == [1, nil])
    let second = try #require(admitted(&scheduler).first)
    #expect(second.state == 1 && second.reusedTokens == 16)
    #expect(second.pages.prefix(2) == first[0].pages.prefix(2))
    #expect(second.pages[2] != first[0].pages[2])
    let shared = first[0].pages[0]
    #expect(scheduler.pages.holders(of: shared) == 3)
    #expect(scheduler.pages.takenCount == 3 + 3 + 1)
    #expect(try step(&scheduler).pieces.map(\.start) == [16, 16, 16])
    _ = scheduler.cancel(RequestID(number: 0))
    #expect(scheduler.pages.holders(of: shared) == 2)
    while !scheduler.sequences.isEmpty { try step(&scheduler) }
    #expect(scheduler.pages.holders(of: shared) == 1 && scheduler.pages.takenCount == 2)
    scheduler.dropStates()
    #expect(scheduler.pages.takenCount == 0 && scheduler.takeForgottenStates() == [1])
  }

  @Test func `states give way to a request that needs their pages`() throws {
    var scheduler = try makeScheduler(pages: 6)
    try submit(&scheduler, [request(1, 2), request(1, 3)])
    while scheduler.hasWork {
      _ = admitted(&scheduler)
      try step(&scheduler)
    }
    #expect(scheduler.pages.takenCount == 2)
    // Four pages are free, as many as this takes.
    try submit(&scheduler, [request(4, 5, count: 8)])
    #expect(admitted(&scheduler).count == 1 && scheduler.prefixes?.stateCount == 1)
    // It needs four more than the state's, and without the state none of them would be free.
    try submit(&scheduler, [request(1, 9, count: 28)])
    #expect(admitted(&scheduler).isEmpty && scheduler.prefixes?.stateCount == 1)
    while !scheduler.sequences.isEmpty { try step(&scheduler) }
    let next = admitted(&scheduler)
    #expect(next.map(\.pages.count) == [6] && next.first?.reusedTokens == 16)
    while !scheduler.sequences.isEmpty { try step(&scheduler) }
    #expect(scheduler.pages.takenCount == 2 && scheduler.takeForgottenStates() == [])
    // All six.
    try submit(&scheduler, [request(6, 7, count: 28)])
    let last = admitted(&scheduler)
    #expect(last.map(\.pages.count) == [6] && last.first?.reusedTokens == 0)
    #expect(scheduler.takeForgottenStates() == [1] && scheduler.prefixes?.stateCount == 0)
  }

  @Test func `who waits for a sequence that is cancelled reads for itself`() throws {
    var scheduler = try makeScheduler()
    try submit(&scheduler, [request(1, 2), request(1, 3), request(1, 4)])
    #expect(admitted(&scheduler).map(\.id.number) == [0])
    try step(&scheduler)
    #expect(admitted(&scheduler).isEmpty)
    _ = scheduler.cancel(RequestID(number: 0))
    let next = admitted(&scheduler)
    #expect(next.map(\.id.number) == [1] && next.first?.reusedTokens == 0)
    _ = scheduler.cancel(RequestID(number: 2))
    while scheduler.hasWork { try step(&scheduler) }
    scheduler.dropStates()
    #expect(scheduler.pages.takenCount == 0)
  }

  @Test(arguments: [true, false])
  func `a state whose step failed is not used`(wholeStep: Bool) throws {
    struct Fault: Error {}
    var scheduler = try makeScheduler()
    try submit(&scheduler, [request(1, 2), request(1, 3)])
    _ = admitted(&scheduler)
    try step(&scheduler)
    #expect(scheduler.nextStep()?.pieces.first?.state == 1)
    #expect(admitted(&scheduler).isEmpty)
    if wholeStep {
      _ = scheduler.failOldest(Fault())
    } else {
      _ = try scheduler.complete([SlotToken(slot: 1, error: Fault())])
    }
    #expect(scheduler.takeForgottenStates() == [1] && scheduler.pages.takenCount == 0)
    #expect(admitted(&scheduler).map(\.reusedTokens) == [0])
  }

  @Test func `a refused sequence gives shared pages back`() throws {
    var scheduler = try makeScheduler()
    try submit(&scheduler, [request(1, 2), request(1, 3)])
    while scheduler.prefixes?.stateCount == 0 {
      _ = admitted(&scheduler)
      try step(&scheduler)
    }
    let before = scheduler.pages.takenCount
    let second = try #require(admitted(&scheduler).first)
    #expect(second.reusedTokens == 16)
    scheduler.refuse(slot: second.slot)
    #expect(scheduler.pages.takenCount == before)
  }
}
