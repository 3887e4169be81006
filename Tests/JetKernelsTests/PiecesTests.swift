import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Pieces of a merged product")
struct PiecesTests {
  @Test("are its columns in order", arguments: [[5], [1, 2, 3], [4, 4, 1, 7]])
  func columns(lengths: [Int]) {
    let merged = Numbers().normal([2, 3, lengths.reduce(0, +)])
    let found = pieces(of: merged, lengths)
    #expect(found.count == lengths.count)
    var first = 0
    for (piece, length) in zip(found, lengths) {
      #expect(piece.values == merged.slice(first..<first + length, dim: 2).values)
      first += length
    }
  }

  @Test("gradients are those of the columns, where a piece has none too")
  func gradients() {
    let merged = Numbers().normal([2, 9])
    for kept in [0..<3, 0..<2, 1..<3] {
      expectGradients(
        at: [merged], of: { Array(pieces(of: $0[0], [2, 4, 3])[kept]) },
        definition: { Array($0[0].split([2, 4, 3], dim: -1)[kept]) })
    }
  }
}
