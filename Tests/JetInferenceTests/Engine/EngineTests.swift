import JetInference
import Synchronization
import Testing

struct EngineTests {
  private func options(chunk: Int = 8, step: Int? = nil) -> EngineOptions {
    var options = EngineOptions()
    options.chunkTokens = chunk
    options.stepTokens = step
    return options
  }

  /// Submits all and waits for all.
  private func collect(
    _ engine: Engine, _ requests: [EngineRequest]
  ) async -> [Result<(tokens: [Int], summary: EngineSummary), any Error>] {
    let streams = requests.map { engine.submit($0) }
    var results: [Result<(tokens: [Int], summary: EngineSummary), any Error>] = []
    for stream in streams {
      do {
        results.append(.success(try await stream.collect()))
      } catch {
        results.append(.failure(error))
      }
    }
    return results
  }

  @Test(
    arguments: [1, 2, 3], [(1, 6, 1), (3, 7, 3), (8, 100, 8), (9, 30, 4)])
  func `each request gets the tokens that it gets alone`(
    depth: Int, size: (slots: Int, pages: Int, batch: Int)
  ) async throws {
    for seed in [1, 2] as [UInt64] {
      let requests = MixedRequests.requests(60, seed: seed)
      let log = TestRunner.Log()
      let engine = try Engine(
        runner: TestRunner(
          slots: size.slots, pages: size.pages, batch: size.batch, depth: depth, log: log),
        options: options())
      for (request, result) in zip(requests, await collect(engine, requests)) {
        let alone = try MixedRequests.alone(request)
        let (tokens, summary) = try result.get()
        #expect(tokens == alone.tokens)
        #expect(summary.finishReason == alone.finishReason)
        #expect(summary.generatedTokens == tokens.count)
        #expect(summary.promptTokens == request.prompt.count)
        #expect(summary.queuedSeconds >= 0)
        let none = request.options.maximumTokens == 0
        #expect(none ? summary.promptSeconds == nil : (summary.firstTokenSeconds ?? -1) >= 0)
      }
      await engine.shutdown()
      #expect(log.open == 0 && log.longestQueue <= depth)
      #expect(engine.statistics.running == 0 && engine.statistics.waiting == 0)
      #expect(engine.statistics.pagesUsed == 0)
    }
  }

  @Test func `the order of arrival does not matter`() async throws {
    let requests = MixedRequests.requests(40, seed: 5)
    var random = RandomNumbers(seed: 9)
    for _ in 0..<4 {
      let order = requests.indices.shuffled(using: &random)
      let engine = try Engine(runner: TestRunner(slots: 5, pages: 20, depth: 2), options: options())
      let results = await collect(engine, order.map { requests[$0] })
      for (index, result) in zip(order, results) {
        #expect(try result.get().tokens == MixedRequests.alone(requests[index]).tokens)
      }
    }
  }

  @Test(arguments: [1, 2])
  func `ten thousand steps lose no slot, no page and no token`(depth: Int) async throws {
    let requests = MixedRequests.requests(7000, seed: 11)
    let log = TestRunner.Log()
    let engine = try Engine(
      runner: TestRunner(slots: 4, pages: 15, depth: depth, log: log), options: options())
    for (request, result) in zip(requests, await collect(engine, requests)) {
      let alone = try MixedRequests.alone(request)
      let (tokens, summary) = try result.get()
      #expect(tokens == alone.tokens && summary.finishReason == alone.finishReason)
    }
    await engine.shutdown()
    let statistics = engine.statistics
    #expect(statistics.steps >= 10_000)
    #expect(log.open == 0 && statistics.pagesUsed == 0 && statistics.running == 0)
    #expect((statistics.tokensPerSecond ?? 0) > 0)
  }

  @Test(arguments: [1, 2])
  func `cancelled requests keep the tokens so far and disturb no other`(depth: Int) async throws {
    let requests = MixedRequests.requests(80, seed: 3)
    let log = TestRunner.Log()
    let engine = try Engine(
      runner: TestRunner(slots: 4, pages: 20, depth: depth, log: log), options: options())
    await withTaskGroup(of: Void.self) { group in
      for (index, request) in requests.enumerated() {
        group.addTask {
          do {
            let alone = try MixedRequests.alone(request)
            let stream = engine.submit(request)
            var tokens: [Int] = []
            var end: EngineSummary?
            for try await output in stream {
              switch output {
              case .token(let token): tokens.append(token)
              case .finished(let summary): end = summary
              }
              // Every third is cancelled by name, every fifth is dropped.
              if tokens.count == index % 7, index % 3 == 0 { engine.cancel(stream.id) }
              if tokens.count == 2, index % 5 == 0 { break }
            }
            #expect(alone.tokens.starts(with: tokens))
            if index % 3 != 0, index % 5 != 0 {
              #expect(tokens == alone.tokens && end?.finishReason == alone.finishReason)
            }
          } catch {
            Issue.record(error)
          }
        }
      }
    }
    await engine.shutdown()
    #expect(log.open == 0 && engine.statistics.pagesUsed == 0)
  }

  @Test func `a cancelled task ends its request`() async throws {
    let log = TestRunner.Log()
    let engine = try Engine(
      runner: TestRunner(slots: 1, pages: 6, depth: 1, log: log), options: options())
    let request = EngineRequest(
      prompt: [1], options: GenerationOptions(maximumTokens: 40, ignoresStopTokens: true))
    for _ in 0..<50 {
      let task = Task { try await engine.submit(request).collect() }
      task.cancel()
      _ = await task.result
    }
    #expect(try await engine.submit(request).collect().tokens.count == 40)
    await engine.shutdown()
    #expect(log.open == 0)
  }

  @Test func `an engine ends when nobody holds it or a stream of it`() async throws {
    let log = TestRunner.Log()
    var engine: Engine? = try Engine(
      runner: TestRunner(slots: 2, pages: 12, depth: 2, log: log), options: options())
    let requests = MixedRequests.requests(10, seed: 2)
    var streams = requests.compactMap { engine?.submit($0) }
    engine = nil
    for (request, stream) in zip(requests, streams) {
      #expect(try await stream.collect().tokens == MixedRequests.alone(request).tokens)
    }
    streams = []
    // The runner goes with the engine's thread.
    for _ in 0..<1000 where !log.isRunnerGone { try await Task.sleep(for: .milliseconds(10)) }
    #expect(log.isRunnerGone && log.open == 0)
  }

  @Test func `a request that cannot be carried out ends with its own error`() async throws {
    let engine = try Engine(runner: TestRunner(slots: 2, pages: 2, depth: 2), options: options())
    let results = await collect(
      engine,
      [
        EngineRequest(prompt: [], options: GenerationOptions(maximumTokens: 1)),
        EngineRequest(prompt: [1], options: GenerationOptions(maximumTokens: 40)),
        EngineRequest(prompt: [1], options: GenerationOptions(maximumTokens: 4)),
      ])
    #expect(throws: GenerationError.emptyPrompt) { try results[0].get() }
    #expect(throws: EngineError.neverFits(tokens: 41, pages: 6, available: 2)) {
      try results[1].get()
    }
    #expect(try results[2].get().tokens.count <= 4)
  }

  @Test(arguments: [1, 2])
  func `an error of a slot or of its opening ends that request alone`(depth: Int) async throws {
    let requests = MixedRequests.requests(60, seed: 21)
    let log = TestRunner.Log()
    var faults = TestRunner.Faults()
    faults.open = { $0.count % 9 == 0 }
    faults.slot = { step, slot in (step * 7 + slot) % 11 == 0 }
    let engine = try Engine(
      runner: TestRunner(slots: 4, pages: 20, depth: depth, log: log, faults: faults),
      options: options())
    var failed = 0
    for (request, result) in zip(requests, await collect(engine, requests)) {
      switch result {
      case .success(let (tokens, _)): #expect(try tokens == MixedRequests.alone(request).tokens)
      case .failure(let error):
        #expect(error is TestRunner.Fault)
        failed += 1
      }
    }
    #expect((1..<60).contains(failed))
    await engine.shutdown()
    #expect(log.open == 0 && engine.statistics.pagesUsed == 0)
  }

  @Test(arguments: [1, 2], ["start", "finish"])
  func `a failed step ends who took part, and the engine goes on`(
    depth: Int, name: String
  ) async throws {
    let requests = MixedRequests.requests(60, seed: 31)
    let log = TestRunner.Log()
    var faults = TestRunner.Faults()
    let fails: @Sendable (Int, EngineStep) -> Bool = { number, _ in number % 13 == 0 }
    if name == "start" { faults.start = fails } else { faults.finish = fails }
    let engine = try Engine(
      runner: TestRunner(slots: 3, pages: 20, depth: depth, log: log, faults: faults),
      options: options())
    var failed = 0
    for (request, result) in zip(requests, await collect(engine, requests)) {
      switch result {
      case .success(let (tokens, _)): #expect(try tokens == MixedRequests.alone(request).tokens)
      case .failure(let error):
        #expect(error as? TestRunner.Fault == TestRunner.Fault(name: name))
        failed += 1
      }
    }
    #expect((1..<60).contains(failed))
    await engine.shutdown()
    #expect(log.open == 0 && engine.statistics.pagesUsed == 0)
  }

  @Test(arguments: [1, 2], ["start", "finish"])
  func `a runner that keeps failing stops the engine for everybody`(
    depth: Int, name: String
  ) async throws {
    let log = TestRunner.Log()
    var faults = TestRunner.Faults()
    let fails: @Sendable (Int, EngineStep) -> Bool = { number, _ in number > 5 }
    if name == "start" { faults.start = fails } else { faults.finish = fails }
    let engine = try Engine(
      runner: TestRunner(slots: 1, pages: 6, depth: depth, log: log, faults: faults),
      options: options())
    let request = EngineRequest(
      prompt: [1], options: GenerationOptions(maximumTokens: 30, ignoresStopTokens: true))
    let results = await collect(engine, Array(repeating: request, count: 12))
    let stop = EngineError.runnerFailed(times: 3, last: "Fault(name: \"\(name)\")")
    for result in results {
      #expect(throws: (any Error).self) { try result.get() }
    }
    #expect(throws: stop) { try results[11].get() }
    await engine.shutdown()
    #expect(log.open == 0)
    await #expect(throws: stop) { try await engine.submit(request).collect() }
  }

  @Test func `a shut down engine finishes or cancels, and takes nothing more`() async throws {
    let requests = MixedRequests.requests(20, seed: 8)
    for cancelling in [false, true] {
      let log = TestRunner.Log()
      var faults = TestRunner.Faults()
      let gate = Mailbox<Int>()
      faults.hold = { if $0 == 1 { _ = gate.take() } }
      let engine = try Engine(
        runner: TestRunner(slots: 2, pages: 12, depth: 1, log: log, faults: faults),
        options: options())
      let streams = requests.map { engine.submit($0) }
      // The first step waits until the order to shut down is given.
      engine.stop(cancelling: cancelling)
      gate.post(1)
      await engine.shutdown()
      #expect(log.open == 0)
      var cancelled = 0
      for (request, stream) in zip(requests, streams) {
        let (tokens, summary) = try await stream.collect()
        let alone = try MixedRequests.alone(request)
        if summary.finishReason == .stoppedByCaller {
          cancelled += 1
          #expect(alone.tokens.starts(with: tokens))
        } else {
          #expect(tokens == alone.tokens && summary.finishReason == alone.finishReason)
        }
      }
      #expect(cancelling ? cancelled > 10 : cancelled == 0)
      await #expect(throws: EngineError.stopped) {
        try await engine.submit(requests[0]).collect()
      }
    }
  }

  @Test(arguments: [true, false])
  func `a hybrid model's requests get the tokens of a model alone`(isGreedy: Bool) async throws {
    let requests = (0..<9).map { index in
      var sampling = SamplingOptions()
      sampling.temperature = isGreedy ? 0 : 1
      sampling.seed = UInt64(index)
      return EngineRequest(
        prompt: Array(TinyModel.tokens(40).suffix(index * 4 + 3)),
        options: GenerationOptions(maximumTokens: 12 + index, sampling: sampling))
    }
    let engine = try Engine(runner: tinyRunner(chunk: 8), options: options(chunk: 8))
    let model = try TinyModel.model()
    for (request, result) in zip(requests, await collect(engine, requests)) {
      let alone = try generate(
        model: try HybridSequence(model, chunkTokens: 8), prompt: request.prompt,
        options: request.options
      ) { _ in .proceed }
      #expect(try result.get().tokens == alone.tokens)
    }
  }

  private func tinyRunner(chunk: Int) throws -> sending SequenceRunner {
    let model = try TinyModel.model()
    return SequenceRunner(
      capacity: EngineCapacity(
        slots: 4, pages: 10, pageTokens: 16, maximumPositions: 64, vocabularySize: 50,
        maximumBatch: 4)
    ) { tokens in try HybridSequence(model, reservedTokens: tokens, chunkTokens: chunk) }
  }
}
