import JetInference
import JetModels
import JetTensor

/// Measures one model in the engine's runner at several contexts and batches.
struct ThroughputRun {
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
  ) throws -> ThroughputRow? {
    let tokens = context + steps * (repeats + 1) + 2
    let room = Self.fitting(
      model.configuration, tokens: tokens, dtype: model.dtype, freeBytes: freeBytes)
    // Whole groups of rows, where that costs few of them.
    let largest = min(room >= 16 ? room / 8 * 8 : room, most)
    let count = batch ?? largest
    guard count >= 1, count <= room else { return nil }
    let timing = try RunnerTiming(model, sequences: count, tokens: tokens) {
      if Interrupt.isRaised { throw CancellationError() }
    }
    var prefill: Double?
    if readsPrompt {
      let times = try (0..<3).map { _ in
        try timing.prefillSeconds(tokens: context, chunk: chunkTokens)
      }
      prefill = Double(context) / (times.dropFirst().min() ?? .infinity)
    }
    try timing.pretend(depth: context)
    _ = try timing.decodeSeconds(steps: steps)
    let decode = Spread(
      try (0..<repeats).map { _ in
        Double(count * steps) / (try timing.decodeSeconds(steps: steps))
      })
    let traffic = model.configuration.stepTraffic(
      context: context + steps * (repeats + 2) / 2, sequences: count, dtype: model.dtype)
    let operations = model.configuration.prefillOperations(tokens: context, past: 0)
    return ThroughputRow(
      model: name, context: context, batch: count, isLargest: count == largest,
      stateBytes: timing.runner.pools.byteCount, decodeTokensPerSecond: decode,
      stepBytes: traffic.bytes,
      decodeShare: Double(traffic.bytes) * decode.median / Double(count) / rates.copy,
      prefillTokensPerSecond: prefill,
      prefillShare: prefill.map { operations / Double(context) * $0 / rates.product })
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
}
