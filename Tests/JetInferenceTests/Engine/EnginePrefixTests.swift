import JetInference
import Testing

/// Requests that begin alike get the tokens that each gets alone, whatever is kept, dropped, cancelled or fails.
struct EnginePrefixTests {
  /// Requests of many kinds, most of which begin with one of three texts.
  private func requests(_ count: Int, seed: UInt64) -> [EngineRequest] {
    var random = RandomNumbers(seed: seed)
    let beginnings = [9, 20, 31].map { length in
      (0..<length).map { _ in Int.random(in: 0..<ToyModel.vocabularySize, using: &random) }
    }
    return MixedRequests.requests(count, seed: seed, maximumTokens: 12).map { request in
      var request = request
      let kind = Int.random(in: 0..<4, using: &random)
      if kind < 3 { request.prompt = Array((beginnings[kind] + request.prompt).prefix(40)) }
      return request
    }
  }

  private func options(_ block: Int, keepsEnds: Bool = false, states: Int = 3) -> EngineOptions {
    var options = EngineOptions()
    options.chunkTokens = 8
    options.prefixes = PrefixOptions()
    options.prefixes?.blockTokens = block
    options.prefixes?.maximumBytes = states * 100
    options.prefixes?.keepsEnds = keepsEnds
    return options
  }

  @Test(arguments: [1, 2], [(8, false), (16, false), (8, true)])
  func `a thousand mixed requests share beginnings and leave nothing`(
    depth: Int, kind: (block: Int, keepsEnds: Bool)
  ) async throws {
    let requests = requests(1000, seed: 4)
    let log = TestRunner.Log()
    var faults = TestRunner.Faults()
    faults.slot = { step, slot in step % 41 == 0 && slot == 2 }
    faults.start = { number, _ in number % 97 == 0 }
    faults.finish = { number, _ in number % 89 == 0 }
    let engine = try Engine(
      runner: TestRunner(
        slots: 5, pages: 22, depth: depth, stateBytes: 100, log: log, faults: faults),
      options: options(kind.block, keepsEnds: kind.keepsEnds))
    let streams = requests.map { engine.submit($0) }
    for index in stride(from: 0, to: 1000, by: 17) { engine.cancel(streams[index].id) }
    var (failed, reused) = (0, 0)
    for (request, stream) in zip(requests, streams) {
      let alone = try MixedRequests.alone(request)
      do {
        let (tokens, summary) = try await stream.collect()
        if summary.finishReason == .stoppedByCaller {
          #expect(alone.tokens.starts(with: tokens))
        } else {
          #expect(tokens == alone.tokens && summary.finishReason == alone.finishReason)
        }
        #expect(summary.reusedTokens % kind.block == 0)
        #expect(summary.reusedTokens < request.prompt.count)
        reused += summary.reusedTokens
      } catch {
        #expect(error is TestRunner.Fault)
        failed += 1
      }
    }
    await engine.shutdown()
    let statistics = engine.statistics
    #expect((1..<400).contains(failed) && reused > 1000)
    #expect(statistics.reusedTokens >= reused)
    #expect(log.open == 0 && log.kept == 0 && (1...3).contains(log.mostKept))
    #expect(statistics.pagesUsed == 0 && statistics.keptStates == 0)
  }

  @Test func `prompts that have nothing in common are read as without a store`() async throws {
    let requests = MixedRequests.requests(50, seed: 6).enumerated().map { index, request in
      var request = request
      // A block of its own each.
      request.prompt = [index % 16, index / 16, 7, 7, 7, 7, 7, 7] + request.prompt.prefix(32)
      return request
    }
    var steps: [[EngineStep]] = []
    for isKept in [true, false] {
      let log = TestRunner.Log()
      let gate = Mailbox<Int>()
      var faults = TestRunner.Faults()
      faults.hold = { if $0 == 1 { _ = gate.take() } }
      var options = options(8)
      if !isKept { options.prefixes = nil }
      let engine = try Engine(
        runner: TestRunner(slots: 4, pages: 30, depth: 1, log: log, faults: faults),
        options: options)
      let streams = requests.map { engine.submit($0) }
      gate.post(1)
      for stream in streams { _ = try await stream.collect() }
      await engine.shutdown()
      #expect(log.mostKept == 0 && engine.statistics.reusedTokens == 0)
      steps.append(log.steps)
    }
    #expect(steps[0].map(\.tokenCount).reduce(0, +) == steps[1].map(\.tokenCount).reduce(0, +))
  }

  @Test func `options out of range are refused`() {
    var options = options(0)
    #expect(throws: EngineError.self) {
      try Engine(runner: TestRunner(slots: 1, pages: 6, depth: 1), options: options)
    }
    options = self.options(8)
    options.prefixes?.maximumBytes = -1
    #expect(throws: EngineError.self) {
      try Engine(runner: TestRunner(slots: 1, pages: 6, depth: 1), options: options)
    }
  }
}
