import JetInference
import JetModels
import JetTensor

/// How fast a model is at a context on this machine.
public struct ModelRates: Codable, Hashable, Sendable {
  /// Tokens before those that are generated, and tokens that are read.
  public var context: Int
  /// Sequences side by side.
  public var batch: Int
  /// Bytes of the state of one sequence.
  public var stateBytes: Int
  /// Tokens a second when the context is read, one sequence.
  public var prefillTokensPerSecond: Double?
  /// Tokens a second of all sequences together when texts are written after the context.
  public var decodeTokensPerSecond: Double
}

/// Times a model in the engine's runner, on random tokens and states.
struct RateMeasurement {
  /// Runs that are timed, after one that is not; their median counts.
  private static let repeats = 3

  let model: HybridModel
  /// On a CPU one process of a run measures at a time.
  let claims: WorkClaims
  let shouldStop: () throws -> Void

  /// The rates at a context.
  ///
  /// - Parameters:
  ///   - tokens: how many are generated in a timed run.
  ///   - readsContext: whether reading the context is timed too.
  func rates(context: Int, batch: Int, tokens: Int, readsContext: Bool) throws -> ModelRates {
    func measure() throws -> ModelRates {
      try measured(context: context, batch: batch, tokens: tokens, readsContext: readsContext)
    }
    guard model.embedding.device == .cpu else { return try measure() }
    return try claims.exclusively("rates", whileWaiting: shouldStop, measure)
  }

  private func measured(
    context: Int, batch: Int, tokens: Int, readsContext: Bool
  ) throws -> ModelRates {
    let state = model.configuration.stateBytes(context: context, dtype: model.dtype)
    let timing = try RunnerTiming(
      model, sequences: batch, tokens: context + tokens * (Self.repeats + 1) + 1,
      beforeStep: shouldStop)
    // Pieces that keep a device busy and the activations small.
    let chunk = model.embedding.device == .cpu ? 1024 : 4096
    let prefill =
      try readsContext
      ? median { Double(context) / (try timing.prefillSeconds(tokens: context, chunk: chunk)) }
      : nil
    try timing.pretend(depth: context)
    let decode = try median { Double(batch * tokens) / (try timing.decodeSeconds(steps: tokens)) }
    return ModelRates(
      context: context, batch: batch, stateBytes: state.growing + state.fixed,
      prefillTokensPerSecond: prefill, decodeTokensPerSecond: decode)
  }

  private func median(_ run: () throws -> Double) throws -> Double {
    let values = try (0...Self.repeats).map { _ in try run() }
    return values.dropFirst().sorted()[Self.repeats / 2]
  }
}
