import JetKernels
import JetTensor
import Testing

@testable import JetModels

@Suite("Pieces as one batch")
struct PieceGroupTests {
  private func piece(_ slot: Int, _ count: Int, start: Int = 0) -> PooledPiece {
    PooledPiece(
      tokens: (0..<count).map { ($0 * 7 + slot) % 90 + 1 }, slot: slot, start: start,
      pages: [slot, slot + 4])
  }

  @Test("a group begins at one position, and its shortest piece is half its longest or more")
  func groups() {
    func grouped(_ sizes: [(start: Int, count: Int)]) -> [[Int]] {
      PieceGroup.grouped(
        sizes.enumerated().map { piece($0 + 1, $1.count, start: $1.start) })
    }
    #expect(grouped([(0, 4)]) == [[0]])
    #expect(grouped([(0, 4), (0, 8), (0, 3), (0, 1), (0, 2)]) == [[1, 0], [2, 4], [3]])
    #expect(grouped([(8, 5), (0, 5), (8, 6), (4, 5)]) == [[1], [3], [2, 0]])
    #expect(grouped([(0, 1), (0, 1), (0, 1)]) == [[0, 1, 2]])
  }

  @Test("packed rows are spread and packed again")
  func packing() {
    for counts in [[3, 1, 2], [2, 2], [1], [5, 4]] {
      let total = counts.reduce(0, +)
      let x = Tensor((0..<total).map { Float($0) }, shape: [1, total, 1])
      let packing = TokenPacking(counts, device: .cpu)
      let spread = packing.spread(x)
      #expect(spread.shape == [counts.count, counts.max() ?? 0, 1])
      #expect(packing.packed(spread).array(of: Float.self) == x.array(of: Float.self))
    }
    let spread = TokenPacking([2, 3], device: .cpu)
      .spread(Tensor([Float(1), 2, 3, 4, 5], shape: [1, 5, 1]))
    #expect(spread.array(of: Float.self) == [1, 2, 2, 3, 4, 5])
  }

  @Test("what is not a number stays in its own sequence", arguments: TinyModels.mixers.map(\.name))
  func isolation(name: String) throws {
    let mixers = TinyModels.mixers.filter { $0.name == name }.map(\.mixer)
    let model = try TinyModels.model(mixers + mixers)
    try withoutGradients {
      model.embedding.select(0, dim: 0).fill(.nan)
      var broken = piece(2, 5)
      broken.tokens[4] = 0
      let company = [piece(1, 7), broken, piece(3, 4)]
      let without = [piece(1, 7), piece(2, 5), piece(3, 4)]
      let sizes = PoolSizes(slots: 3, pages: 7, pageTokens: 8)
      let found = model.read(company, pools: try StatePools(model, sizes: sizes))
      let wanted = model.read(without, pools: try StatePools(model, sizes: sizes))
      for row in [0, 2] {
        let (a, b) = (found.select(row, dim: 0), wanted.select(row, dim: 0))
        #expect(a.array(of: Float.self) == b.array(of: Float.self))
      }
      let own = found.select(1, dim: 0).array(of: Float.self)
      #expect(own.allSatisfy { $0.isNaN })
    }
  }

  @Test(
    "a sequence goes on from a kept state as from its own", arguments: TinyModels.mixers.map(\.name)
  )
  func keptStates(name: String) throws {
    let mixers = TinyModels.mixers.filter { $0.name == name }.map(\.mixer)
    let model = try TinyModels.model(mixers + mixers)
    let sizes = PoolSizes(slots: 3, pages: 7, pageTokens: 8)
    try withoutGradients {
      let pools = try StatePools(model, sizes: sizes)
      let alone = try StatePools(model, sizes: sizes)
      pools.fillRandomly(seed: 3)
      pools.clear(slot: 1)
      _ = model.read([piece(1, 8)], pools: pools)
      let state = pools.state(slot: 1)
      let fixed = model.configuration.stateBytes(context: 0, dtype: model.dtype).fixed
      #expect(state.byteCount == fixed)
      // The first one goes on, so that the state is not its own any more.
      _ = model.read(
        [PooledPiece(tokens: [4, 5, 6], slot: 1, start: 8, pages: [1, 5])], pools: pools)
      _ = model.read([piece(1, 8)], pools: alone)
      pools.assign(state, slot: 3)
      var rest = PooledPiece(tokens: [9, 8, 7, 6], slot: 3, start: 8, pages: [1, 6])
      let found = model.read([rest], pools: pools)
      (rest.slot, rest.pages) = (1, [1, 5])
      let wanted = model.read([rest], pools: alone)
      #expect(found.array(of: Float.self) == wanted.array(of: Float.self))
    }
  }
}
