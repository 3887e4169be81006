import Testing

@testable import JetInference

struct SchedulerTests {
  private func makeScheduler(
    slots: Int = 4, pages: Int = 100, batch: Int? = nil, chunk: Int = 8, step: Int? = nil,
    overtakes: Int = 2
  ) throws -> Scheduler {
    var options = EngineOptions()
    options.chunkTokens = chunk
    options.stepTokens = step
    options.maximumOvertakes = overtakes
    return try Scheduler(
      capacity: TestRunner.capacity(slots: slots, pages: pages, batch: batch), options: options)
  }

  private func request(_ prompt: Int, _ maximum: Int, stop: Set<Int> = []) -> EngineRequest {
    EngineRequest(
      prompt: Array(repeating: 1, count: prompt),
      options: GenerationOptions(maximumTokens: maximum, stopTokens: stop))
  }

  private func id(_ number: Int) -> RequestID { RequestID(number: number) }

  private func text(_ events: [Scheduler.Event]) -> [String] {
    events.map {
      switch $0 {
      case .token(let id, let token): "\(id.number): \(token)"
      case .ended(let id, let reason): "\(id.number) ended: \(reason)"
      case .failed(let id, let error): "\(id.number) failed: \(error)"
      case .close(let slot): "close \(slot)"
      }
    }
  }

  /// Completes the oldest step with one token for all.
  private func complete(_ scheduler: inout Scheduler, _ token: Int = 1) throws -> [String] {
    let step = try #require(scheduler.started.first)
    return text(
      try scheduler.complete(step.choosing.map { SlotToken(slot: $0, token: token) }))
  }

  private func start(_ scheduler: inout Scheduler) throws -> EngineStep {
    let step = scheduler.nextStep()
    return try #require(step)
  }

  private func admitAll(_ scheduler: inout Scheduler) -> [Int] {
    var ids: [Int] = []
    while let sequence = scheduler.admitNext() { ids.append(sequence.id.number) }
    return ids
  }

  @Test func `prompts are cut at multiples of the chunk and share a step's budget`() throws {
    var scheduler = try makeScheduler(slots: 3, step: 12)
    for (number, length) in [20, 3, 9].enumerated() {
      #expect(try scheduler.submit(request(length, 4), id: id(number)).isEmpty)
    }
    #expect(admitAll(&scheduler) == [0, 1, 2])
    let first = try start(&scheduler)
    // The third prompt's piece of 8 has no room behind 8 and 3.
    #expect(first.pieces.map(\.tokens.count) == [8, 3])
    #expect(first.pieces.map(\.isLast) == [false, true])
    #expect(try complete(&scheduler) == ["1: 1"])
    let second = try start(&scheduler)
    #expect(second.decoding.count == 1)
    #expect(second.pieces.map(\.start) == [8])
    _ = try complete(&scheduler)
    let third = try start(&scheduler)
    #expect(third.pieces.map(\.start) == [16])
    #expect(third.pieces.map(\.isLast) == [true])
    #expect(third.tokenCount == 5)
  }

  @Test func `a request that reaches its length gets no step too many`() throws {
    var scheduler = try makeScheduler()
    _ = try scheduler.submit(request(2, 2), id: id(7))
    _ = admitAll(&scheduler)
    #expect(scheduler.nextStep() != nil)
    #expect(scheduler.nextStep()?.decoding == [1])
    #expect(scheduler.nextStep() == nil)
    #expect(try complete(&scheduler, 5) == ["7: 5"])
    #expect(try complete(&scheduler, 6) == ["7: 6", "7 ended: length", "close 1"])
    #expect(!scheduler.hasWork && scheduler.slots.takenCount == 0)
    #expect(scheduler.pages.takenCount == 0)
  }

  @Test func `a request that fills the context gets no step too many`() throws {
    var scheduler = try makeScheduler()
    _ = try scheduler.submit(request(47, 9), id: id(1))
    _ = admitAll(&scheduler)
    for _ in 0..<7 { #expect(scheduler.nextStep() != nil) }
    #expect(scheduler.nextStep() == nil)
    for _ in 0..<5 { #expect(try complete(&scheduler) == []) }
    #expect(try complete(&scheduler) == ["1: 1"])
    #expect(try complete(&scheduler) == ["1: 1", "1 ended: contextFull", "close 1"])
  }

  @Test func `the token after a stop token is dropped, and the slot is free only then`() throws {
    var scheduler = try makeScheduler(slots: 1)
    _ = try scheduler.submit(request(2, 9, stop: [4]), id: id(1))
    _ = try scheduler.submit(request(2, 9), id: id(2))
    _ = admitAll(&scheduler)
    _ = scheduler.nextStep()
    _ = scheduler.nextStep()
    #expect(try complete(&scheduler, 4) == ["1 ended: stopToken(4)"])
    #expect(scheduler.admitNext() == nil)
    #expect(scheduler.nextStep() == nil)
    #expect(try complete(&scheduler, 5) == ["close 1"])
    #expect(scheduler.admitNext()?.id == id(2))
  }

  @Test func `a cancelled request ends at once and frees its slot after its steps`() throws {
    var scheduler = try makeScheduler(slots: 1)
    _ = try scheduler.submit(request(2, 9), id: id(1))
    _ = try scheduler.submit(request(2, 9), id: id(2))
    _ = admitAll(&scheduler)
    _ = scheduler.nextStep()
    #expect(text(scheduler.cancel(id(2))) == ["2 ended: stoppedByCaller"])
    #expect(text(scheduler.cancel(id(1))) == ["1 ended: stoppedByCaller"])
    #expect(scheduler.cancel(id(1)).isEmpty && scheduler.cancel(id(9)).isEmpty)
    #expect(scheduler.nextStep() == nil)
    #expect(try complete(&scheduler) == ["close 1"])
    #expect(!scheduler.hasWork)
  }

  @Test func `small requests overtake a large one a bounded number of times`() throws {
    // Of 8 pages the first takes 3, so that the second, which takes 6, has to wait.
    var scheduler = try makeScheduler(slots: 8, pages: 8, overtakes: 2)
    for (number, size) in [(16, 8), (40, 8), (1, 1), (1, 1), (1, 1)].enumerated() {
      _ = try scheduler.submit(request(size.0, size.1), id: id(number))
    }
    #expect(admitAll(&scheduler) == [0, 2, 3])
    #expect(scheduler.pages.freeCount == 3)
    _ = scheduler.cancel(id(0))
    #expect(admitAll(&scheduler) == [1])
    _ = scheduler.cancel(id(2))
    #expect(admitAll(&scheduler) == [4])
  }

  @Test func `what can never fit is refused at once`() throws {
    var scheduler = try makeScheduler(pages: 3)
    func refused(_ request: EngineRequest) -> String {
      do {
        _ = try scheduler.submit(request, id: id(1))
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(refused(request(20, 4)) == "")
    #expect(
      refused(request(20, 5))
        == "The request may reach 25 tokens, which take 4 pages of state, and there are 3; shorten "
        + "the prompt, ask for fewer tokens or give the engine more pages.")
    #expect(refused(request(49, 1)).hasPrefix("The prompt has 49 tokens"))
    #expect(refused(request(0, 1)).hasPrefix("The prompt has no tokens"))
    #expect(refused(request(1, 1, stop: [16])).hasPrefix("The stop token 16"))
    #expect(refused(request(1, .max)).contains("may reach 48 tokens"))
    var biased = request(1, 1)
    biased.options.sampling.logitBias = [16: 1]
    #expect(refused(biased).hasPrefix("Token 16"))
    #expect(scheduler.waiting.count == 1)
    #expect(text(try scheduler.submit(request(1, 0), id: id(2))) == ["2 ended: length"])
  }

  @Test func `no more sequences run than a batch holds`() throws {
    var scheduler = try makeScheduler(slots: 5, batch: 2)
    for number in 0..<5 { _ = try scheduler.submit(request(1, 20), id: id(number)) }
    var stepCount = 0
    while scheduler.hasWork {
      _ = admitAll(&scheduler)
      let step = try start(&scheduler)
      #expect((1...2).contains(step.slots.count) && scheduler.sequences.count <= 2)
      _ = try complete(&scheduler)
      stepCount += 1
    }
    // Two, two and one, each with a token a step.
    #expect(stepCount == 60)
  }

  @Test func `what a step did not ask for is a broken contract`() throws {
    var scheduler = try makeScheduler(slots: 2)
    _ = try scheduler.submit(request(9, 9), id: id(1))
    _ = try scheduler.submit(request(2, 9), id: id(2))
    _ = admitAll(&scheduler)
    let step = try start(&scheduler)
    #expect(step.choosing == [2])
    let wrong: [[SlotToken]] = [
      [], [SlotToken(slot: 2, token: 1), SlotToken(slot: 2, token: 1)],
      [SlotToken(slot: 2, token: 1), SlotToken(slot: 1, token: 1)], [SlotToken(slot: 2, token: 16)],
      [SlotToken(slot: 2, token: 1), SlotToken(slot: 3, token: 1)],
    ]
    for tokens in wrong {
      #expect(throws: EngineError.self) { try scheduler.complete(tokens) }
    }
    #expect(scheduler.started.count == 1)
    let error = TestRunner.Fault(name: "slot")
    #expect(
      text(try scheduler.complete([.init(slot: 2, token: 1), .init(slot: 1, error: error)]))
        == ["2: 1", "1 failed: Fault(name: \"slot\")", "close 1"])
  }

  @Test func `options out of range are refused`() {
    #expect(throws: EngineError.self) { try makeScheduler(chunk: 0) }
    #expect(throws: EngineError.self) { try makeScheduler(slots: 4, chunk: 8, step: 11) }
    #expect(throws: Never.self) { try makeScheduler(slots: 4, chunk: 8, step: 12) }
  }

  @Test(arguments: [1, 2, 3], [1, 2, 3, 4] as [UInt64])
  func `every prompt is read in order within every bound`(depth: Int, seed: UInt64) throws {
    var random = RandomNumbers(seed: seed)
    var scheduler = try makeScheduler(slots: 6, pages: 14, batch: 4, step: 14)
    var ends: [Int: String] = [:]
    var read: [Int: Int] = [:]  // Tokens of the prompt by slot.
    var submitted = 0
    while submitted < 200 || scheduler.hasWork {
      if submitted < 200, Int.random(in: 0..<3, using: &random) > 0 {
        let made = request(
          Int.random(in: 1...40, using: &random), Int.random(in: 1...20, using: &random), stop: [4])
        _ = try scheduler.submit(made, id: id(submitted))
        submitted += 1
      }
      while let sequence = scheduler.admitNext() { read[sequence.slot] = 0 }
      while scheduler.started.count < depth, let step = scheduler.nextStep() {
        #expect(step.tokenCount <= 14 && step.slots.count <= 4)
        #expect(Set(step.slots).count == step.slots.count)
        for piece in step.pieces {
          #expect(piece.start == read[piece.slot] && piece.start % 8 == 0)
          read[piece.slot, default: 0] += piece.tokens.count
        }
      }
      guard let step = scheduler.started.first else { continue }
      let tokens = step.choosing.map {
        SlotToken(slot: $0, token: Int.random(in: 0..<16, using: &random))
      }
      for event in try scheduler.complete(tokens) {
        if case .ended(let id, let reason) = event {
          #expect(ends.updateValue("\(reason)", forKey: id.number) == nil)
        }
      }
    }
    #expect(ends.count == 200)
    #expect(scheduler.slots.takenCount == 0 && scheduler.pages.takenCount == 0)
  }
}
