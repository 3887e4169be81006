import JetInference
import JetModels
import JetTensor

/// The serving engine: each request gets the tokens that its sequence gets alone.
enum EngineChecks {
  /// How far below the greatest logit of the sequence alone that of a chosen token may lie, in deviations of the logits.
  ///
  /// Two logits that are equal but for rounding may change places. A token out of another state is some three deviations
  /// away.
  private static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 0.3 : 1e-3 }

  static func run(_ device: Device, small: Bool, _ tally: inout Tally) throws {
    try PooledDecodingChecks.run(device, small: small, &tally)
    for dtype in [DType.float32, .bfloat16] {
      let model = try EngineModel.model(dtype, on: device)
      for runner in [EngineCase.Runner.graphs, .pools] {
        try compare(runner, "", requests(small ? 6 : 20), model, &tally)
      }
      // A bias, of nothing, is added by the host: the same runner without graphs.
      var chosenByHost = requests(small ? 6 : 20)
      for index in chosenByHost.indices {
        chosenByHost[index].options.sampling.logitBias = [0: 0]
      }
      try compare(.graphs, ", the host chooses", chosenByHost, model, &tally)
      for runner in [EngineCase.Runner.graphs, .pools] {
        for block in [16, 64] {
          try compare(
            runner, ", shared beginnings by \(block)", sharing(small ? 8 : 30), model,
            prefixBlock: block, &tally)
        }
      }
    }
    try EngineEndurance(device, small: small).run(&tally)
  }

  /// Greedy requests of mixed lengths.
  private static func requests(_ count: Int) -> [EngineRequest] {
    var random = RandomNumbers(seed: 17)
    var sampling = SamplingOptions()
    sampling.temperature = 0
    return (0..<count).map { index in
      EngineRequest(
        prompt: EngineModel.tokens(1 + index * 37 % 150, &random),
        options: GenerationOptions(maximumTokens: 8 + index * 5 % 24, sampling: sampling))
    }
  }

  /// Of the texts that requests begin with; the longer one is longer than a piece.
  private static let textLengths = [50, 139]

  /// The same behind one of two texts.
  private static func sharing(_ count: Int) -> [EngineRequest] {
    var random = RandomNumbers(seed: 19)
    let texts = textLengths.map { EngineModel.tokens($0, &random) }
    return requests(count).enumerated().map { index, request in
      var request = request
      request.prompt = texts[index % 2] + request.prompt
      return request
    }
  }

  private static func compare(
    _ runner: EngineCase.Runner, _ what: String, _ requests: [EngineRequest], _ model: HybridModel,
    prefixBlock: Int? = nil, _ tally: inout Tally
  ) throws {
    // Fewer slots than all would need, so that they come and go; without kept states fewer pages too.
    let one = try EngineCase(
      runner, model.dtype, on: model.embedding.device,
      sizes: PoolSizes(slots: 9, pages: prefixBlock == nil ? 60 : 240, pageTokens: 16),
      prefixBlock: prefixBlock)
    let found = try one.engine.tokens(requests)
    var (farthest, others, count) = (0.0, 0, 0)
    for (request, tokens) in zip(requests, found) {
      for distance in try distances(tokens, after: request.prompt, model) {
        farthest = max(farthest, distance)
        others += distance > 0 ? 1 : 0
        count += 1
      }
    }
    let isComplete = zip(requests, found).allSatisfy { $0.options.maximumTokens == $1.count }
    tally.record(
      isComplete && farthest <= bound(model.dtype),
      "\(model.dtype) \(runner.rawValue)\(what): \(others) of \(count) tokens are not those of the "
        + "sequence alone, by at most \(scientific(farthest)) deviations of the logits")
    guard let prefixBlock else { return }
    let reused = one.engine.statistics.reusedTokens
    one.engine.shutdownAndWait()
    // Of each text but the first two requests of it.
    let each = textLengths.reduce(0) { $0 + $1 / prefixBlock * prefixBlock }
    let least = each * (requests.count / 2 - 2)
    let left = one.engine.statistics.pagesUsed
    tally.record(
      reused >= least && left == 0,
      "\(model.dtype) \(runner.rawValue)\(what): reused \(reused) tokens, at least \(least) expected; "
        + "\(left) pages are left at the end")
  }

  /// How far the logit of each token lies below the greatest one, in deviations, where its sequence is alone.
  private static func distances(
    _ tokens: [Int], after prompt: [Int], _ model: HybridModel
  ) throws -> [Double] {
    let alone = try HybridSequence(model, chunkTokens: 64)
    var logits = try alone.prefill(prompt) { false }
    return try tokens.map { token in
      let all = logits.map(Double.init)
      let mean = all.reduce(0, +) / Double(all.count)
      let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)
      let distance = ((all.max() ?? .infinity) - all[token]) / variance.squareRoot()
      logits = try alone.step(token)
      return distance.isFinite ? distance : .infinity
    }
  }
}
