import JetModels
import Testing

@testable import JetInference

/// The runners whose states lie in pools give each request what a model alone gives.
@Suite struct `Runners on pools` {
  private func requests(isGreedy: Bool, penalty: Float = 1) -> [EngineRequest] {
    (0..<9).map { index in
      var sampling = SamplingOptions()
      sampling.temperature = isGreedy ? 0 : 1
      sampling.repetitionPenalty = penalty
      sampling.seed = UInt64(index)
      return EngineRequest(
        prompt: Array(TinyModel.tokens(40).suffix(index * 4 + 3)),
        options: GenerationOptions(maximumTokens: 12 + index, sampling: sampling))
    }
  }

  private var options: EngineOptions {
    var options = EngineOptions()
    options.chunkTokens = 8
    return options
  }

  private var sizes: PoolSizes { PoolSizes(slots: 4, pages: 22, pageTokens: 7) }

  private func expectAsAlone(_ engine: Engine, _ requests: [EngineRequest]) async throws {
    let model = try TinyModel.model()
    let streams = requests.map { engine.submit($0) }
    for (request, stream) in zip(requests, streams) {
      let alone = try generate(
        model: try HybridSequence(model, chunkTokens: 8), prompt: request.prompt,
        options: request.options
      ) { _ in .proceed }
      #expect(try await stream.collect().tokens == alone.tokens)
    }
    await engine.shutdown()
    #expect(engine.statistics.pagesUsed == 0)
  }

  @Test(arguments: [true, false], [Float(1), 1.3])
  func `the host chooses`(isGreedy: Bool, penalty: Float) async throws {
    let engine = try Engine(
      runner: PooledRunner(TinyModel.model(), sizes: sizes), options: options)
    try await expectAsAlone(engine, requests(isGreedy: isGreedy, penalty: penalty))
  }

  @Test func `the device chooses`() async throws {
    let engine = try Engine(
      runner: GraphRunner(TinyModel.model(), sizes: sizes), options: options)
    try await expectAsAlone(engine, requests(isGreedy: true))
  }

  @Test(arguments: [true, false])
  func `the host chooses where earlier tokens count`(isGreedy: Bool) async throws {
    let engine = try Engine(
      runner: GraphRunner(TinyModel.model(), sizes: sizes), options: options)
    try await expectAsAlone(engine, requests(isGreedy: isGreedy, penalty: 1.3))
  }

  @Test(arguments: [(8, 8), (7, 14)], [true, false])
  func `prompts with one beginning read it once`(
    size: (page: Int, block: Int), isGraph: Bool
  ) async throws {
    let beginning = Array(TinyModel.tokens(40).prefix(17))
    var requests = requests(isGreedy: true)
    for index in requests.indices where index != 4 {
      requests[index].prompt = beginning + requests[index].prompt.suffix(3 + index)
    }
    let sizes = PoolSizes(slots: 4, pages: 26, pageTokens: size.page)
    var options = options
    options.prefixes = PrefixOptions()
    options.prefixes?.blockTokens = size.block
    let model = try TinyModel.model()
    let engine =
      try isGraph
      ? Engine(runner: GraphRunner(model, sizes: sizes), options: options)
      : Engine(runner: PooledRunner(model, sizes: sizes), options: options)
    try await expectAsAlone(engine, requests)
    // The first one reads the beginning; the second one too, where the first began before it came.
    let each = 17 / size.block * size.block
    #expect(engine.statistics.reusedTokens >= 6 * each)
    #expect(engine.statistics.reusedTokens <= 7 * each)
    #expect(engine.statistics.keptStates == 0)
  }

  @Test func `the bytes of a kept state are those that are foretold`() throws {
    let runner = try PooledRunner(TinyModel.model(), sizes: sizes)
    #expect(runner.capacity.stateBytes == runner.pools.state(slot: 1).byteCount)
    #expect(runner.capacity.stateBytes > 0)
  }

  @Test func `what the device draws depends on the seed alone`() async throws {
    let wanted = requests(isGreedy: false)
    func tokens(_ requests: [EngineRequest]) async throws -> [[Int]] {
      let engine = try Engine(
        runner: GraphRunner(TinyModel.model(), sizes: sizes), options: options)
      var results: [[Int]] = []
      for stream in requests.map({ engine.submit($0) }) {
        results.append(try await stream.collect().tokens)
      }
      await engine.shutdown()
      return results
    }
    let together = try await tokens(wanted)
    #expect(try await tokens(wanted.reversed()) == together.reversed())
    #expect(try await tokens([wanted[3]]) == [together[3]])
  }

  @Test func `more positions than the model has are refused`() throws {
    #expect(throws: HybridSequenceError.contextTooLong(asked: 65, available: 64)) {
      try PooledRunner(TinyModel.model(), sizes: sizes, maximumPositions: 65)
    }
  }

  @Test func `pretending a depth needs no text`() throws {
    let runner = try PooledRunner(TinyModel.model(), sizes: sizes)
    try runner.open(
      slot: 2, pages: [3, 4, 5, 6, 7], sampling: SamplingOptions(), prompt: [1],
      state: nil)
    try runner.pretend(depth: 30)
    try runner.start(EngineStep(decoding: [2]))
    let results = try runner.finish()
    #expect(results.map(\.slot) == [2])
    #expect((0..<50).contains(try results[0].outcome.get()))
  }
}
