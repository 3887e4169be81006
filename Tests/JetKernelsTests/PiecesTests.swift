import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Pieces of a merged product")
struct PiecesTests {
  @Test(
    "are its columns in order, the first of them after silu",
    arguments: [([5], 0), ([5], 1), ([1, 2, 3], 0), ([4, 4, 1, 7], 2), ([3, 8], 2)])
  func columns(lengths: [Int], activated: Int) {
    let merged = Numbers().normal([2, 3, lengths.reduce(0, +)])
    let found = pieces(of: merged, lengths, activated: activated)
    #expect(found.count == lengths.count)
    var first = 0
    for (index, (piece, length)) in zip(found, lengths).enumerated() {
      let own = merged.slice(first..<first + length, dim: 2)
      let expected = index < activated ? own / (exp(-own) + 1) : own
      expectNear(piece, near: expected, index < activated ? Bound.pass.relative(.float32) : 0)
      first += length
    }
  }

  @Test("gradients are the differences of the definition, where a piece has none too")
  func gradients() {
    let merged = Numbers().normal([2, 9])
    for kept in [0..<3, 0..<2, 1..<3] {
      expectGradients(
        at: [merged], of: { Array(pieces(of: $0[0], [2, 4, 3], activated: 1)[kept]) },
        definition: { Array(piecesDefinition(of: $0[0], [2, 4, 3], activated: 1)[kept]) })
    }
  }
}
