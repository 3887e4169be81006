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

/// Times a model on random tokens.
struct RateMeasurement {
  /// Runs that are timed, after one that is not; their median counts.
  private static let repeats = 3
  /// Tokens that are read at once.
  private static let chunk = 1024

  let model: HybridModel
  let shouldStop: () throws -> Void

  /// The rates at a context.
  ///
  /// - Parameters:
  ///   - tokens: how many are generated in a timed run.
  ///   - readsContext: whether reading the context is timed too.
  func rates(context: Int, batch: Int, tokens: Int, readsContext: Bool) throws -> ModelRates {
    var random = RandomNumbers(seed: 20_250_821)
    let vocabulary = model.configuration.vocabularySize
    let device = model.embedding.device
    func rows(_ count: Int, _ length: Int) -> TokenBatch {
      TokenBatch(
        (0..<count).map { _ in
          (0..<length).map { _ in Int.random(in: 0..<vocabulary, using: &random) }
        }, device: device)
    }
    let state = model.configuration.stateBytes(context: context, dtype: model.dtype)
    let decode = try withTorchErrors {
      try withoutGradients {
        var filled = model.makeState(capacity: context + tokens)
        filled.fillRandomly(tokens: context, generator: Generator(seed: 1))
        let start = filled.sequences(Array(repeating: 0, count: batch))
        return try median { () -> Double in
          var state = start.copy()
          let inputs = (0..<tokens).map { _ in rows(batch, 1) }
          let seconds = timed(device) {
            for input in inputs { _ = model.logits(model(input, state: &state)) }
          }
          return Double(batch * tokens) / seconds
        }
      }
    }
    let prefill =
      try readsContext
      ? withTorchErrors {
        try withoutGradients {
          try median { () -> Double in
            var state = model.makeState(capacity: context)
            let pieces = stride(from: 0, to: context, by: Self.chunk).map {
              rows(1, min(Self.chunk, context - $0))
            }
            let seconds = timed(device) {
              for piece in pieces {
                let hidden = model(piece, state: &state)
                _ = model.logits(model.lastTokens(hidden, piece))
              }
            }
            return Double(context) / seconds
          }
        }
      } : nil
    return ModelRates(
      context: context, batch: batch, stateBytes: state.growing + state.fixed,
      prefillTokensPerSecond: prefill, decodeTokensPerSecond: decode)
  }

  private func timed(_ device: Device, _ body: () -> Void) -> Double {
    device.synchronize()
    let start = ContinuousClock.now
    body()
    device.synchronize()
    return max((ContinuousClock.now - start) / .seconds(1), 1e-9)
  }

  private func median(_ run: () throws -> Double) throws -> Double {
    var values: [Double] = []
    for index in 0...Self.repeats {
      try shouldStop()
      let value = try run()
      if index > 0 { values.append(value) }
    }
    return values.sorted()[values.count / 2]
  }
}
