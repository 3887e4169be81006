import Foundation
import JetInference
import JetModels
import JetTensor

/// Thousands of steps of an engine in which sequences of mixed lengths join and leave: nothing leaks and nothing drifts.
struct EngineEndurance {
  private let device: Device
  private let steps: Int
  /// Requests that are given to the engine together; it is idle before the next ones.
  private let requestsEach: Int
  private let slots = 12
  private let pages = 120

  init(_ device: Device, small: Bool) {
    self.device = device
    (steps, requestsEach) = small ? (100, 40) : (10_000, 100)
  }

  /// What an idle engine holds.
  private struct Holdings: Equatable {
    let tensors: Int
    /// Of a GPU only.
    let deviceBytes: Int?
  }

  func run(_ tally: inout Tally) throws {
    let one = try EngineCase(
      .graphs, .bfloat16, on: device,
      sizes: PoolSizes(slots: slots, pages: pages, pageTokens: 16))
    let engine = one.engine
    let reference = try references.map { try one.engine.tokens([$0])[0] }
    // From all slots down to one, so that each size of a batch is recorded; then some of all kinds.
    _ = try one.engine.tokens(staggered)
    var random = RandomNumbers(seed: 23)
    _ = try one.engine.tokens(requests(requestsEach, &random))
    try rest(engine)
    let before = try holdings()
    let (first, clock) = (engine.statistics, ContinuousClock.now)

    var (submitted, complete) = (0, 0)
    while engine.statistics.steps - first.steps < steps {
      let some = requests(requestsEach, &random)
      let found = try one.engine.tokens(some) { $0 % 25 == 24 }
      submitted += some.count
      for (index, (request, tokens)) in zip(some, found).enumerated() {
        let isWhole = tokens.count == request.options.maximumTokens
        let mayBeShort = index % 25 == 24 || !request.options.ignoresStopTokens
        if isWhole || (mayBeShort && tokens.count < request.options.maximumTokens) {
          complete += 1
        }
      }
    }
    try rest(engine)
    let seconds = (ContinuousClock.now - clock) / .seconds(1)
    let (last, after) = (engine.statistics, try holdings())
    let name = "bfloat16 engine, \(last.steps - first.steps) steps"
    tally.record(
      complete == submitted,
      "\(name): \(complete) of \(submitted) requests got their tokens, "
        + "\(last.generatedTokens - first.generatedTokens) in \(rounded(seconds)) s")
    tally.record(
      last.running == 0 && last.waiting == 0 && last.pagesUsed == 0,
      "\(name): all slots and pages are free")
    tally.record(
      before == after,
      "\(name): \(before.tensors) tensors and \(before.deviceBytes ?? 0) bytes of the device before, "
        + "\(after.tensors) and \(after.deviceBytes ?? 0) after")
    let again = try references.map { try one.engine.tokens([$0])[0] }
    tally.record(
      again == reference && reference.allSatisfy { Set($0).count > 5 },
      "\(name): the same tokens as before them, greedy and drawn")
  }

  /// Waits until no slot is held.
  private func rest(_ engine: Engine) throws {
    for _ in 0..<10_000 {
      let now = engine.statistics
      if now.running == 0, now.waiting == 0 { return }
      Thread.sleep(forTimeInterval: 0.001)
    }
    throw CheckError("the engine is busy ten seconds after its last request")
  }

  private func holdings() throws -> Holdings {
    Holdings(
      tensors: Runtime.liveTensorCount,
      deviceBytes: device == .cpu ? nil : try device.allocated().currentBytes)
  }

  /// A greedy one and one that is drawn, both longer than the window.
  private var references: [EngineRequest] {
    [Float(0), 1].map { temperature in
      var random = RandomNumbers(seed: 29)
      var sampling = SamplingOptions()
      (sampling.temperature, sampling.seed) = (temperature, 31)
      return EngineRequest(
        prompt: EngineModel.tokens(100, &random),
        options: GenerationOptions(maximumTokens: 64, sampling: sampling))
    }
  }

  private var staggered: [EngineRequest] {
    (1...slots).map { index in
      EngineRequest(prompt: [index], options: GenerationOptions(maximumTokens: 8 * index))
    }
  }

  /// Requests of many kinds.
  private func requests(_ count: Int, _ random: inout RandomNumbers) -> [EngineRequest] {
    (0..<count).map { index in
      let prompt = EngineModel.tokens(Int.random(in: 1...200, using: &random), &random)
      var sampling = SamplingOptions()
      sampling.seed = random.next()
      sampling.temperature = Bool.random(using: &random) ? 0 : 1
      if Bool.random(using: &random) { sampling.topK = 5 }
      if Bool.random(using: &random) { sampling.topP = 0.9 }
      // One of them has its tokens chosen by the host, and no step with it is a graph's.
      if index % 40 == 39 { sampling.repetitionPenalty = 1.3 }
      return EngineRequest(
        prompt: prompt,
        options: GenerationOptions(
          maximumTokens: Int.random(in: 1...96, using: &random), sampling: sampling,
          stopTokens: [3], ignoresStopTokens: Bool.random(using: &random)))
    }
  }
}
