import JetKernels
import JetTensor
import JetTestSupport
import Testing

@testable import JetModels

private let bound = 1e-4

/// Sequences that share pools get what each gets with a state of its own.
@Suite("States in pools")
struct PooledFormsTests {
  private static let names = TinyModels.mixers.map(\.name) + ["all together"]

  private static func mixers(_ name: String) -> [MixerConfiguration] {
    let one = TinyModels.mixers.filter { $0.name == name }.map(\.mixer)
    return one.isEmpty ? TinyModels.mixers.map(\.mixer) : one + one
  }

  private func tokens(_ length: Int, seed: UInt64) -> [Int] {
    let values = Tensor.randomUniform([length], generator: Generator(seed: seed)) * 100
    return values.to(.int64).array(of: Int.self)
  }

  /// A sequence in the pools, and the same alone.
  private struct Pair {
    let slot: Int
    let pages: [Int]
    let prompt: [Int]
    var alone: ModelState
    var read = 0
  }

  private func pairs(_ model: HybridModel) -> [Pair] {
    // Pages and slots in no order, one slot and some pages left out.
    [
      Pair(
        slot: 4, pages: [9, 2, 14, 1, 7], prompt: tokens(29, seed: 1), alone: model.makeState()),
      Pair(slot: 1, pages: [3, 12], prompt: tokens(5, seed: 2), alone: model.makeState()),
      Pair(
        slot: 2, pages: [10, 8, 5, 13], prompt: tokens(17, seed: 3), alone: model.makeState()),
    ]
  }

  private typealias Rounds = [[(pair: Int, count: Int)]]

  /// Prompts in pieces, several at a time, joined by others on the way.
  private let joining: Rounds = [[(0, 16)], [(0, 1), (1, 5)], [(0, 12), (2, 9)], [(2, 8)]]

  /// Prompts that are read side by side: pieces as long, of several lengths, and some much shorter than others.
  private let packed: Rounds = [
    [(0, 6), (1, 1), (2, 6), (3, 2)], [(0, 5), (2, 9)], [(1, 8), (2, 2)], [(3, 7), (0, 8)],
    [(2, 1), (0, 1)],
  ]

  private func four(_ model: HybridModel) -> [Pair] {
    let lengths = [20, 9, 18, 9]
    return lengths.indices.map { index in
      Pair(
        slot: [3, 1, 4, 2][index], pages: [1, 5, 9].map { $0 + index },
        prompt: tokens(lengths[index], seed: UInt64(index)), alone: model.makeState())
    }
  }

  private func check(
    _ model: HybridModel, _ given: [Pair], _ rounds: Rounds, _ note: String
  ) throws {
    let pools = try StatePools(model, sizes: PoolSizes(slots: 4, pages: 15, pageTokens: 9))
    pools.fillRandomly(seed: 5)
    var pairs = given
    for pair in pairs { pools.clear(slot: pair.slot) }
    for (round, pieces) in rounds.enumerated() {
      let own = pieces.map { piece -> PooledPiece in
        let pair = pairs[piece.pair]
        return PooledPiece(
          tokens: Array(pair.prompt[pair.read..<pair.read + piece.count]), slot: pair.slot,
          start: pair.read, pages: pair.pages)
      }
      let hidden = model.read(own, pools: pools)
      for (row, piece) in pieces.enumerated() {
        let expected = model(TokenBatch([own[row].tokens]), state: &pairs[piece.pair].alone)
          .slice(piece.count - 1..<piece.count, dim: 1).select(0, dim: 1)
        #expect(
          relativeError(hidden.slice(row..<row + 1, dim: 0), expected) < bound,
          "\(note), piece \(row) of round \(round)")
        pairs[piece.pair].read += piece.count
      }
    }
    // Steps of different companies.
    for (step, rows) in [[0, 1, 2], [2, 0], [1], [1, 2, 0], [0, 2], [0, 1, 2]].enumerated() {
      let next = tokens(rows.count, seed: UInt64(20 + step))
      let batch = PooledStep(
        tokens: next, slots: rows.map { pairs[$0].slot }, positions: rows.map { pairs[$0].read },
        pages: rows.map { pairs[$0].pages })
      let logits = model.stepLogits(model.step(batch, pools: pools))
      for (row, index) in rows.enumerated() {
        let alone = model(TokenBatch([[next[row]]]), state: &pairs[index].alone)
        let expected = model.logits(alone).select(0, dim: 1)
        #expect(
          relativeError(logits.slice(row..<row + 1, dim: 0), expected) < bound,
          "\(note), sequence \(index) of step \(step)")
        pairs[index].read += 1
      }
    }
  }

  @Test("pieces and steps agree with each sequence alone", arguments: names)
  func agree(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    try withoutGradients {
      try check(model, pairs(model), joining, "fast")
      try FastForm.disabled { try check(model, pairs(model), joining, "defined") }
      try FastForm.disabled {
        try ResidualStream.$waitsAlways.withValue(true) {
          try check(model, pairs(model), joining, "added by the norms")
        }
      }
    }
  }

  @Test("pieces of several sequences as one batch agree with each alone", arguments: names)
  func packs(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    try withoutGradients {
      try check(model, four(model), packed, "fast")
      try FastForm.disabled { try check(model, four(model), packed, "defined") }
    }
  }

  @Test("more sequences than one pass over the weights serves")
  func many() throws {
    let model = try TinyModels.model(Self.mixers("all together"))
    try withoutGradients {
      let count = 37
      let pools = try StatePools(model, sizes: PoolSizes(sequences: count, context: 8))
      let rows = (0..<count).map { [$0 + 1] }
      let slots = (1...count).reversed()
      let hidden = model.step(
        PooledStep(
          tokens: (0..<count).map { $0 % 90 }, slots: Array(slots),
          positions: Array(repeating: 0, count: count), pages: rows), pools: pools)
      for row in [0, 15, 16, 36] {
        let own = model(TokenBatch([[row % 90]])).select(0, dim: 1)
        #expect(relativeError(hidden.slice(row..<row + 1, dim: 0), own) < bound, "row \(row)")
      }
    }
  }

  @Test("the pools take the bytes that were foretold", arguments: names)
  func bytes(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    let sizes = PoolSizes(slots: 3, pages: 7, pageTokens: 5)
    let pools = try StatePools(model, sizes: sizes)
    #expect(pools.byteCount == model.configuration.poolBytes(sizes, dtype: .float32))
  }

  @Test("what is said of a needed host is so")
  func host() throws {
    for mixer in TinyModels.mixers {
      let model = try TinyModels.model([mixer.mixer])
      #expect(!model.stepsNeedHost, "\(mixer.name)")
    }
    let crowded = AttentionConfiguration(heads: 17, keyValueHeads: 1, headWidth: 4)
    #expect(try TinyModels.model([.attention(crowded)]).stepsNeedHost)
  }

  @Test("a step that does not tell the host its positions is the same", arguments: names)
  func unknownPositions(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    try withoutGradients {
      let outputs = try FastForm.disabled {
        try [false, true].map { isTold in
          let pools = try StatePools(model, sizes: PoolSizes(slots: 3, pages: 9, pageTokens: 4))
          pools.fillRandomly(seed: 5)
          var batch = PooledStep(
            tokens: [3, 8], slots: [2, 1], positions: [7, 2], pages: [[4, 1], [6]])
          if !isTold { batch.knownPositions = nil }
          return model.step(batch, pools: pools).array(of: Float.self)
        }
      }
      #expect(outputs[0] == outputs[1])
    }
  }
}
