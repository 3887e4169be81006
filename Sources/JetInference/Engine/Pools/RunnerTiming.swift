public import JetModels
import JetTensor

/// Times a model in the runner that an engine would take for its device: prompts read, and decode steps at a depth, the
/// choosing of tokens included.
///
/// Tokens are random, and states at a depth are random numbers in place of a text that was read.
public struct RunnerTiming {
  /// The runner.
  public let runner: any MeasurableRunner
  private let slots: [Int]
  private let vocabularySize: Int
  /// Called before each step; what it throws ends the measurement.
  private let beforeStep: () throws -> Void

  /// Opens `sequences` sequences of at most `tokens` tokens.
  ///
  /// - Parameters:
  ///   - tokens: positions of each sequence, also more than the model was made for.
  ///   - beforeStep: called before each step; what it throws ends the measurement.
  /// - Throws: what libtorch reports when memory is refused.
  public init(
    _ model: HybridModel, sequences: Int, tokens: Int,
    beforeStep: @escaping () throws -> Void = {}
  ) throws {
    let sizes = PoolSizes(sequences: sequences, context: tokens)
    runner =
      model.embedding.device == .cpu
      ? try PooledRunner(model, sizes: sizes, maximumPositions: tokens, exceedsModel: true)
      : try GraphRunner(model, sizes: sizes, maximumPositions: tokens, exceedsModel: true)
    slots = Array(1...max(1, sequences))
    vocabularySize = model.configuration.vocabularySize
    self.beforeStep = beforeStep
    let each = sizes.pages(for: tokens)
    var sampling = SamplingOptions()
    sampling.temperature = 0
    for slot in slots {
      let first = 1 + (slot - 1) * each
      try runner.open(
        slot: slot, pages: Array(first..<first + each), sampling: sampling, prompt: [0],
        state: nil)
    }
  }

  /// Seconds in which the first sequence's prompt is read in pieces of `chunk` tokens.
  public func prefillSeconds(tokens count: Int, chunk: Int) throws -> Double {
    var random = RandomNumbers(seed: 20_250_821)
    let tokens = (0..<count).map { _ in Int.random(in: 0..<vocabularySize, using: &random) }
    return try seconds(
      of: stride(from: 0, to: count, by: chunk).map { start in
        let end = min(start + chunk, count)
        return EngineStep(pieces: [
          PromptPiece(
            slot: 1, tokens: Array(tokens[start..<end]), start: start, isLast: end == count)
        ])
      })
  }

  /// Makes all sequences stand at a depth.
  public func pretend(depth: Int) throws { try runner.pretend(depth: depth) }

  /// Seconds of decode steps of all sequences.
  public func decodeSeconds(steps: Int) throws -> Double {
    try seconds(of: Array(repeating: EngineStep(decoding: slots), count: steps))
  }

  /// The time of some steps, each begun as early as the runner allows.
  private func seconds(of steps: [EngineStep]) throws -> Double {
    let start = ContinuousClock.now
    var ahead = 0
    for step in steps {
      try beforeStep()
      try runner.start(step)
      ahead += 1
      if ahead == runner.depth {
        try expectTokens(runner.finish())
        ahead -= 1
      }
    }
    for _ in 0..<ahead { try expectTokens(runner.finish()) }
    return max((ContinuousClock.now - start) / .seconds(1), 1e-9)
  }

  private func expectTokens(_ results: [SlotToken]) throws {
    for result in results { _ = try result.outcome.get() }
  }
}
