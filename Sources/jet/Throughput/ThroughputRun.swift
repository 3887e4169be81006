import JetInference
import JetModels
import JetTensor

/// Measures one model in the engine's runner at several contexts and batches.
struct ThroughputRun {
  /// One row of the table.
  struct Row: Encodable {
    let model: String
    let context: Int
    let batch: Int
    /// Whether no larger batch fits, or was allowed.
    let isLargest: Bool
    let stateBytes: Int
    /// Tokens chosen in a second by all sequences together, the choosing included.
    let decodeTokensPerSecond: Spread
    /// Bytes that a step has to move.
    let stepBytes: Int
    /// Of the rate at which the device copies.
    let decodeShare: Double
    /// Prompt tokens read in a second; nil where it was not asked for.
    let prefillTokensPerSecond: Double?
    /// Of the rate at which the device multiplies.
    let prefillShare: Double?
  }

  let name: String
  let model: HybridModel
  let chunkTokens: Int
  let steps: Int
  let repeats: Int
  let rates: (copy: Double, product: Double)

  /// A context with the batch, or with the largest that fits into `freeBytes` and is at most `most`.
  ///
  /// - Returns: nil where not even one sequence fits.
  func row(
    context: Int, batch: Int?, most: Int, freeBytes: Int, readsPrompt: Bool
  ) throws -> Row? {
    let tokens = context + steps * (repeats + 1) + 2
    let room = Self.fitting(
      model.configuration, tokens: tokens, dtype: model.dtype, freeBytes: freeBytes)
    // Whole groups of rows, where that costs few of them.
    let largest = min(room >= 16 ? room / 8 * 8 : room, most)
    let count = batch ?? largest
    guard count >= 1, count <= room else { return nil }
    let sizes = PoolSizes(sequences: count, context: tokens)
    let runner = try Self.makeRunner(model, sizes: sizes, maximumPositions: tokens)
    let each = sizes.pages(for: tokens)
    for slot in 1...count {
      let first = 1 + (slot - 1) * each
      var sampling = SamplingOptions()
      sampling.temperature = 0
      try runner.open(
        slot: slot, pages: Array(first..<first + each), sampling: sampling, prompt: [0])
    }
    var prefill: Double?
    if readsPrompt { prefill = try self.prefill(runner, context) }
    try runner.pretend(depth: context)
    let decode = try self.decode(runner, slots: Array(1...count))
    let traffic = model.configuration.stepTraffic(
      context: context + steps * (repeats + 2) / 2, sequences: count, dtype: model.dtype)
    let operations = model.configuration.prefillOperations(tokens: context, past: 0)
    return Row(
      model: name, context: context, batch: count, isLargest: count == largest,
      stateBytes: runner.pools.byteCount, decodeTokensPerSecond: decode, stepBytes: traffic.bytes,
      decodeShare: Double(traffic.bytes) * decode.median / Double(count) / rates.copy,
      prefillTokensPerSecond: prefill,
      prefillShare: prefill.map { operations / Double(context) * $0 / rates.product })
  }

  /// The runner that an engine would take for the model's device.
  private static func makeRunner(
    _ model: HybridModel, sizes: PoolSizes, maximumPositions: Int
  ) throws -> any MeasurableRunner {
    if model.embedding.device == .cpu {
      return try PooledRunner(model, sizes: sizes, maximumPositions: maximumPositions)
    }
    return try GraphRunner(model, sizes: sizes, maximumPositions: maximumPositions)
  }

  /// The most sequences of so many tokens that fit, besides the logits and what a step computes.
  static func fitting(
    _ configuration: ModelConfiguration, tokens: Int, dtype: DType, freeBytes: Int
  ) -> Int {
    let sizes = PoolSizes(sequences: 1, context: tokens)
    let own = configuration.poolBytes(pageTokens: sizes.pageTokens, dtype: dtype)
    let widest = configuration.vocabularySize * 6 + 8 * configuration.mlpWidth * dtype.byteCount
    let each = own.slot + sizes.pages * own.page + widest
    let reserve = 3 << 29
    return max(0, freeBytes - reserve) / max(1, each)
  }

  private func prefill(_ runner: any MeasurableRunner, _ context: Int) throws -> Double {
    var random = RandomNumbers(seed: 20_250_821)
    let tokens = (0..<context).map { _ in
      Int.random(in: 0..<model.configuration.vocabularySize, using: &random)
    }
    let pieces = stride(from: 0, to: context, by: chunkTokens).map { start in
      let end = min(start + chunkTokens, context)
      return EngineStep(pieces: [
        PromptPiece(
          slot: 1, tokens: Array(tokens[start..<end]), start: start, isLast: end == context)
      ])
    }
    let times = try (0..<3).map { _ in try seconds(of: pieces, on: runner) }
    return Double(context) / (times.dropFirst().min() ?? .infinity)
  }

  private func decode(_ runner: any MeasurableRunner, slots: [Int]) throws -> Spread {
    let all = Array(repeating: EngineStep(decoding: slots), count: steps)
    _ = try seconds(of: all, on: runner)
    return Spread(
      try (0..<repeats).map { _ in
        Double(slots.count * steps) / (try seconds(of: all, on: runner))
      })
  }

  /// The time of some steps, each begun as early as the runner allows.
  private func seconds(of steps: [EngineStep], on runner: any MeasurableRunner) throws -> Double {
    try Stopwatch.seconds {
      var ahead = 0
      for step in steps {
        if Interrupt.isRaised { throw CancellationError() }
        try runner.start(step)
        ahead += 1
        if ahead == runner.depth {
          try expectTokens(runner.finish())
          ahead -= 1
        }
      }
      for _ in 0..<ahead { try expectTokens(runner.finish()) }
    }
  }

  private func expectTokens(_ results: [SlotToken]) throws {
    for result in results { _ = try result.outcome.get() }
  }
}
