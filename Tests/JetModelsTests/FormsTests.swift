import JetKernels
import JetTensor
import JetTestSupport
import Testing

@testable import JetModels

private let bound = 1e-4

@Suite("Forms of a model")
struct FormsTests {
  private static let names = TinyModels.mixers.map(\.name) + ["all together"]

  private static func mixers(_ name: String) -> [MixerConfiguration] {
    let one = TinyModels.mixers.filter { $0.name == name }.map(\.mixer)
    return one.isEmpty ? TinyModels.mixers.map(\.mixer) : one + one
  }

  private func tokens(_ rows: Int, _ length: Int, seed: UInt64 = 1) -> [[Int]] {
    let values = Tensor.randomUniform([rows, length], generator: Generator(seed: seed)) * 100
    let flat = values.to(.int64).array(of: Int.self)
    return stride(from: 0, to: flat.count, by: length).map { Array(flat[$0..<$0 + length]) }
  }

  /// Logits of all tokens, fed in pieces of the given lengths.
  private func logits(_ model: HybridModel, _ rows: [[Int]], pieces: [Int]) -> Tensor {
    withoutGradients {
      var state = model.makeState(sequences: rows.count, capacity: 2)
      var start = 0
      let parts = pieces.map { length in
        defer { start += length }
        let piece = rows.map { Array($0[start..<start + length]) }
        return model.logits(model(TokenBatch(piece), state: &state))
      }
      return Tensor.concatenate(parts, dim: 1)
    }
  }

  @Test(
    "whole, chunked and token by token agree, by fast forms and by definitions", arguments: names)
  func pieces(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    let rows = tokens(2, 70)
    let reference = FastForm.disabled { withoutGradients { model.logits(model(TokenBatch(rows))) } }
    let uncached = withoutGradients { model.logits(model(TokenBatch(rows))) }
    #expect(relativeError(uncached, reference) < bound, "without a state")
    for pieces in [
      [70], [1, 69], [64, 6], [3, 1, 1, 30, 1, 34], Array(repeating: 1, count: 70),
    ] {
      let fast = logits(model, rows, pieces: pieces)
      #expect(relativeError(fast, reference) < bound, "fast, \(pieces)")
      let plain = FastForm.disabled { logits(model, rows, pieces: pieces) }
      #expect(relativeError(plain, reference) < bound, "defined, \(pieces)")
    }
  }

  @Test("sequences of several lengths in a batch get what each gets alone", arguments: names)
  func padded(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    let rows = zip(tokens(3, 60), [60, 7, 23]).map { Array($0.prefix($1)) }
    // Two pieces of unequal lengths for each sequence, then single tokens in one batch.
    let cuts = [31, 7, 1]
    withoutGradients {
      var together = model.makeState(sequences: 3)
      let first = TokenBatch(zip(rows, cuts).map { Array($0.prefix($1)) })
      let firstHidden = model(first, state: &together)
      let second = TokenBatch(zip(rows, cuts).map { Array($0.dropFirst($1)) })
      _ = model(second, state: &together)
      var alone: [ModelState] = []
      for (row, tokens) in rows.enumerated() {
        var state = model.makeState()
        let hidden = model(TokenBatch([tokens]), state: &state)
        let count = cuts[row]
        let own = firstHidden.slice(row..<row + 1, dim: 0).slice(0..<count, dim: 1)
        #expect(relativeError(own, hidden.slice(0..<count, dim: 1)) < bound, "row \(row)")
        alone.append(state)
      }
      #expect(together.lengths == rows.map(\.count))
      for step in 0..<8 {
        let next = tokens(3, 1, seed: UInt64(step + 10))
        let both = model.logits(model(TokenBatch(next), state: &together))
        for row in 0..<3 {
          let one = model.logits(model(TokenBatch([next[row]]), state: &alone[row]))
          #expect(
            relativeError(both.slice(row..<row + 1, dim: 0), one) < bound, "step \(step) row \(row)"
          )
        }
      }
      let reordered = together.sequences([2, 0])
      #expect(reordered.lengths == [together.lengths[2], together.lengths[0]])
    }
  }

  @Test("a copied state goes its own way", arguments: names)
  func copies(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    withoutGradients {
      var state = model.makeState()
      _ = model(TokenBatch(tokens(1, 9)), state: &state)
      var other = state.copy()
      let expected = model.logits(model(TokenBatch([[5]]), state: &state))
      _ = model(TokenBatch([[7]]), state: &state)
      let result = model.logits(model(TokenBatch([[5]]), state: &other))
      #expect(result.array(of: Float.self) == expected.array(of: Float.self))
    }
  }

  @Test("the state takes the bytes that were foretold", arguments: names)
  func bytes(name: String) throws {
    let mixers = Self.mixers(name)
    let model = try TinyModels.model(mixers)
    let state = model.makeState(sequences: 1, capacity: 33)
    let foretold = model.configuration.stateBytes(context: 33, dtype: .float32)
    #expect(state.byteCount == foretold.growing + foretold.fixed)
  }

  @Test("gradients reach every parameter", arguments: names)
  func gradients(name: String) throws {
    let model = try TinyModels.model(Self.mixers(name))
    let leaves = model.parameters.leaves.map { $0.requiringGradient() }
    let loss = model.logits(model(TokenBatch(tokens(1, 20)))).logSoftmax(dim: -1).mean([0, 1, 2])
    for (leaf, gradient) in zip(leaves, JetTensor.gradients(of: [loss], by: leaves)) {
      let found = try #require(gradient, "\(leaf.summary)")
      #expect(found.isFinite)
    }
  }
}
