import JetInference
import JetKernels
import JetModels
import JetTensor

/// Sequences that are read and moved on in pools by the model's own functions, without an engine, so that the logits of
/// each step can be seen. The tokens are given, so that the sequences go the same way whatever the logits are.
struct PooledDecoding {
  /// Where the sequences lie, and how their steps are made.
  struct Arrangement {
    /// The slot of each sequence.
    var slots: [Int]
    /// All pages, in the order in which the sequences get them.
    var pages: [Int]
    /// Which sequences are moved on together, and in which rows.
    var groups: [[Int]]
    /// Rows of a step; those that fill it up stand in slot 0 at position -1.
    var rows: Int
    /// Whether all prompts are read together, piece by piece.
    var readsTogether = false
    /// Whether the steps are replays of a graph.
    var isRecorded = false
  }

  static let pageTokens = 16

  /// Lengths around those of chunks, pages and the window.
  static let shortLengths = [
    37, 1, EngineModel.window, 64, 150, 16, EngineModel.window - 1, 65, 17, 100, 2, 129, 15,
  ]
  /// Lengths at which blocks of the GPU's attention share a sequence.
  static let deepLengths = [6000, 1, 4097, 300, 2048, 2500, 64, 9000]

  let model: HybridModel
  private let prompts: [[Int]]
  /// The tokens of each step, one a sequence.
  private let steps: [[Int]]
  /// Pages of each sequence.
  private let pagesEach: Int

  /// Tokens of a piece of a prompt.
  private let chunkTokens: Int

  /// - Parameters:
  ///   - count: how many sequences.
  ///   - lengths: those of the prompts, in turn.
  init(
    _ model: HybridModel, sequences count: Int, steps: Int,
    lengths: [Int] = PooledDecoding.shortLengths
  ) {
    self.model = model
    chunkTokens = (lengths.max() ?? 0) > 1024 ? 1024 : 64
    var random = RandomNumbers(seed: UInt64(count))
    prompts = (0..<count).map { EngineModel.tokens(lengths[$0 % lengths.count], &random) }
    self.steps = (0..<steps).map { _ in EngineModel.tokens(count, &random) }
    let longest = (lengths.max() ?? 0) + steps
    pagesEach = (longest + Self.pageTokens - 1) / Self.pageTokens
  }

  /// Sequence n in slot n + 1, pages in order, all in one step of `rows` rows.
  func together(rows: Int) -> Arrangement {
    Arrangement(
      slots: Array(1...prompts.count), pages: Array(1...prompts.count * pagesEach),
      groups: [Array(prompts.indices)], rows: rows)
  }

  /// Float32 logits of all steps, `[steps, sequences, vocabulary]`, on the CPU.
  func logits(_ arrangement: Arrangement) throws -> Tensor {
    try withTorchErrors {
      try withoutGradients {
        let pools = try self.pools(arrangement)
        let step =
          arrangement.isRecorded
          ? try RecordedStep(model, pools, rows: arrangement.rows, pages: pagesEach) : nil
        var results: [Tensor] = []
        for (index, tokens) in steps.enumerated() {
          var rows = [Tensor?](repeating: nil, count: prompts.count)
          for group in arrangement.groups {
            let batch = self.batch(group, arrangement, index, tokens)
            let logits =
              step?(batch) ?? model.stepLogits(model.step(batch, pools: pools))
            let found = logits.to(.cpu)
            for (row, sequence) in group.enumerated() {
              rows[sequence] = found.select(row, dim: 0)
            }
          }
          results.append(Tensor.stack(rows.compactMap(\.self), dim: 0))
        }
        return Tensor.stack(results, dim: 0)
      }
    }
  }

  private func pages(_ sequence: Int, _ arrangement: Arrangement) -> [Int] {
    Array(arrangement.pages[sequence * pagesEach..<(sequence + 1) * pagesEach])
  }

  /// Pools in which all prompts are read; whatever they held before is not to matter.
  private func pools(_ arrangement: Arrangement) throws -> StatePools {
    let pools = try StatePools(
      model,
      sizes: PoolSizes(
        slots: arrangement.slots.max() ?? 1, pages: arrangement.pages.count,
        pageTokens: Self.pageTokens))
    pools.fillRandomly(seed: 9)
    for slot in arrangement.slots { pools.clear(slot: slot) }
    let longest = prompts.map(\.count).max() ?? 0
    for start in stride(from: 0, to: longest, by: chunkTokens) {
      let pieces = prompts.indices.compactMap { sequence -> PooledPiece? in
        let tokens = Array(prompts[sequence].dropFirst(start).prefix(chunkTokens))
        guard !tokens.isEmpty else { return nil }
        return PooledPiece(
          tokens: tokens, slot: arrangement.slots[sequence], start: start,
          pages: pages(sequence, arrangement))
      }
      if arrangement.readsTogether {
        _ = model.read(pieces, pools: pools)
      } else {
        for piece in pieces { _ = model.read([piece], pools: pools) }
      }
    }
    return pools
  }

  private func batch(
    _ group: [Int], _ arrangement: Arrangement, _ index: Int, _ tokens: [Int]
  ) -> PooledStep {
    let missing = arrangement.rows - group.count
    return PooledStep(
      tokens: group.map { tokens[$0] } + Array(repeating: 0, count: missing),
      slots: group.map { arrangement.slots[$0] } + Array(repeating: 0, count: missing),
      positions: group.map { prompts[$0].count + index } + Array(repeating: -1, count: missing),
      pages: group.map { pages($0, arrangement) }
        + Array(repeating: Array(repeating: 0, count: pagesEach), count: missing),
      device: model.embedding.device)
  }
}

/// A step of a model as a graph, as the engine makes it, with its logits to be seen.
private final class RecordedStep {
  private let inputs: PooledStep
  private let logits: Tensor
  private let graph: CUDAGraph

  init(_ model: HybridModel, _ pools: StatePools, rows: Int, pages: Int) throws {
    let device = model.embedding.device
    var inputs = PooledStep(
      tokens: Array(repeating: 0, count: rows), slots: Array(repeating: 0, count: rows),
      positions: Array(repeating: -1, count: rows),
      pages: Array(repeating: Array(repeating: 0, count: pages), count: rows), device: device)
    inputs.knownPositions = nil
    let logits = Tensor.zeros([rows, model.configuration.vocabularySize], device: device)
    let once = inputs
    func step() { logits.assign(model.stepLogits(model.step(once, pools: pools))) }
    // Once without recording: libraries load their kernels and take their work space.
    step()
    graph = try CUDAGraph(on: device, capturing: step)
    (self.inputs, self.logits) = (inputs, logits)
  }

  func callAsFunction(_ batch: PooledStep) -> Tensor {
    for (own, new) in [
      (inputs.tokens, batch.tokens), (inputs.slots, batch.slots),
      (inputs.positions, batch.positions), (inputs.pages, batch.pages),
    ] {
      own.assign(new)
    }
    graph.replay()
    return logits
  }
}
