import Foundation
import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

/// The sizes of one call: queries, keys that come before them, heads, and how far a query looks back.
struct AttentionSize: Sendable, CustomStringConvertible {
  var batch = 2
  let queries: Int
  var past = 0
  let heads: Int
  let keyHeads: Int
  let width: Int
  var window: Int?

  var description: String {
    "\(batch)×\(past)+\(queries) tokens, \(heads)/\(keyHeads) heads of \(width)"
      + (window.map { ", window \($0)" } ?? "")
  }

  static let all = [
    AttentionSize(queries: 1, heads: 1, keyHeads: 1, width: 16),
    AttentionSize(queries: 2, heads: 4, keyHeads: 2, width: 24),
    AttentionSize(queries: 63, heads: 4, keyHeads: 1, width: 40),
    AttentionSize(queries: 64, heads: 2, keyHeads: 2, width: 96),
    AttentionSize(queries: 65, heads: 6, keyHeads: 2, width: 128),
    AttentionSize(batch: 1, queries: 1000, heads: 2, keyHeads: 1, width: 64),
    AttentionSize(queries: 1, past: 1, heads: 4, keyHeads: 2, width: 16),
    AttentionSize(queries: 1, past: 64, heads: 3, keyHeads: 1, width: 24),
    AttentionSize(queries: 2, past: 63, heads: 4, keyHeads: 2, width: 40),
    AttentionSize(queries: 63, past: 2, heads: 4, keyHeads: 4, width: 96),
    AttentionSize(queries: 65, past: 65, heads: 4, keyHeads: 1, width: 80),
    AttentionSize(batch: 1, queries: 64, past: 1000, heads: 2, keyHeads: 1, width: 64),
    AttentionSize(queries: 1, heads: 2, keyHeads: 1, width: 16, window: 1),
    AttentionSize(queries: 65, heads: 2, keyHeads: 1, width: 16, window: 1),
    AttentionSize(queries: 65, heads: 2, keyHeads: 1, width: 24, window: 64),
    AttentionSize(queries: 64, heads: 2, keyHeads: 2, width: 24, window: 64),
    AttentionSize(queries: 63, heads: 2, keyHeads: 2, width: 24, window: 1000),
    AttentionSize(batch: 1, queries: 1000, heads: 2, keyHeads: 1, width: 16, window: 7),
    AttentionSize(batch: 1, queries: 600, heads: 2, keyHeads: 1, width: 16, window: 300),
    AttentionSize(queries: 1, past: 4, heads: 2, keyHeads: 1, width: 16, window: 5),
    AttentionSize(queries: 3, past: 64, heads: 2, keyHeads: 1, width: 40, window: 63),
    AttentionSize(batch: 1, queries: 300, past: 65, heads: 2, keyHeads: 1, width: 24, window: 20),
  ]
}

@Suite("Attention")
struct AttentionTests {
  private let scale = 0.3

  private func inputs(_ size: AttentionSize, _ numbers: Numbers) -> [Tensor] {
    let keys = size.past + size.queries
    return [
      numbers.normal([size.batch, size.heads, size.queries, size.width]),
      numbers.normal([size.batch, size.keyHeads, keys, size.width]),
      numbers.normal([size.batch, size.keyHeads, keys, size.width]),
    ]
  }

  private func run(_ x: [Tensor], _ layout: KeyLayout, window: Int? = nil) -> Tensor {
    attention(query: x[0], key: x[1], value: x[2], layout: layout, window: window, scale: scale)
  }

  /// The definition in float32; queries stand right after `past` keys.
  private func reference(_ x: [Tensor], past: Int, window: Int? = nil) -> Tensor {
    attentionDefinition(
      query: x[0].float32, key: x[1].float32, value: x[2].float32,
      queryPositions: Tensor.range(past, to: past + x[0].dim(2)).unsqueezed(0),
      keyPositions: Tensor.range(0, to: x[1].dim(2)).unsqueezed(0), window: window, scale: scale)
  }

  /// All ways to say that the keys are in order.
  private func layouts(_ size: AttentionSize) -> [(name: String, layout: KeyLayout)] {
    let keys = size.past + size.queries
    let after = [("after", KeyLayout.after(past: size.past))]
    let positions = KeyLayout.positions(
      queries: Tensor.range(size.past, to: keys).unsqueezed(0).expanded([size.batch, -1]),
      keys: Tensor.range(0, to: keys).unsqueezed(0).expanded([size.batch, -1]))
    return (size.past == 0 ? [("same", .same)] : []) + after + [("positions", positions)]
  }

  @Test(
    "every layout gives what the definition gives, with gradients enabled or not",
    arguments: Way.all(AttentionSize.all))
  func forms(way: Way<AttentionSize>) {
    let (size, x) = (way.size, inputs(way.size, Numbers(way)))
    let expected = reference(x, past: size.past, window: size.window)
    let bound = Bound.attention.relative(way.dtype)
    for (name, layout) in layouts(size) {
      withoutGradients {
        _ = run(x.map { $0 * .nan }, layout, window: size.window)
        expectNear(run(x, layout, window: size.window), near: expected, bound, name)
      }
      expectNear(run(x, layout, window: size.window), near: expected, bound, "\(name), recorded")
      let defined = FastForm.disabled { run(x, layout, window: size.window) }
      expectNear(defined, near: expected, bound, "\(name), disabled")
    }
  }

  @Test(
    "two calls with the keys kept give what one gives",
    arguments: AttentionSize.all.filter { $0.past == 0 && $0.queries > 1 && $0.queries < 100 })
  func split(size: AttentionSize) {
    let x = inputs(size, Numbers())
    let expected = reference(x, past: 0, window: size.window)
    withoutGradients {
      for first in Set([1, size.queries / 2, size.queries - 1]) {
        let all = 0..<size.queries
        let parts = [all.prefix(first), all.dropFirst(first)].map { part in
          let keys = 0..<part.upperBound
          return run(
            [x[0].slice(part, dim: 2), x[1].slice(keys, dim: 2), x[2].slice(keys, dim: 2)],
            part.lowerBound == 0 ? .same : .after(past: first), window: size.window)
        }
        let y = Tensor.concatenate(parts, dim: 2)
        expectNear(y, near: expected, Bound.attention.relative(.float32), "cut at \(first)")
      }
    }
  }

  /// Two sequences of 3 and 7 tokens behind 5 and 2 earlier ones; the keys lie in no order, with gaps.
  private func scattered() -> (queries: Tensor, keys: Tensor) {
    let queries = [[5, 6, 7, 8, 9, 10, 11], [2, 3, 4, 5, 6, 7, 8]]
    let keys = [
      [3, 4, -1, 0, 1, 2, 5, 6, 7, -1, -1, -1, -1], [-1, 1, 0, 2, 4, 3, 6, 5, 8, 7, -1, -1, -1],
    ]
    return (
      Tensor(queries.flatMap(\.self), shape: [2, 7]), Tensor(keys.flatMap(\.self), shape: [2, 13])
    )
  }

  @Test(
    "keys at any places are seen by their positions, padding included",
    arguments: Way.all([nil, 1, 4]))
  func positions(way: Way<Int?>) {
    let size = AttentionSize(queries: 7, past: 6, heads: 4, keyHeads: 2, width: 24)
    let (x, places) = (inputs(size, Numbers(way)), scattered())
    let expected = attentionDefinition(
      query: x[0].float32, key: x[1].float32, value: x[2].float32, queryPositions: places.queries,
      keyPositions: places.keys, window: way.size, scale: scale)
    let y = run(x, .positions(queries: places.queries, keys: places.keys), window: way.size)
    expectNear(y, near: expected, Bound.attention.relative(way.dtype))
  }

  @Test("a query that sees no key gets zeros", arguments: Way.all([[0, 1], [1, 0]]))
  func blind(way: Way<[Int]>) {
    let size = AttentionSize(queries: 2, past: 1, heads: 2, keyHeads: 1, width: 16)
    let x = inputs(size, Numbers(way))
    // One query stands before all keys.
    let queries = Tensor(way.size.map { $0 * 9 }, shape: [1, 2]).expanded([2, -1])
    let keys = Tensor([2, 3, -1], shape: [1, 3]).expanded([2, -1])
    let layout = KeyLayout.positions(queries: queries, keys: keys)
    let unseen = way.size[0] == 0 ? 0 : 1
    for isDisabled in [true, false] {
      let y = withoutGradients {
        isDisabled ? FastForm.disabled { run(x, layout) } : run(x, layout)
      }
      #expect(y.isFinite)
      #expect(y.select(unseen, dim: 2).values.allSatisfy { $0 == 0 }, "disabled: \(isDisabled)")
      #expect(y.select(1 - unseen, dim: 2).values.contains { $0 != 0 })
    }
  }

  @Test("the definition is the softmax over what is seen, written out")
  func writtenOut() {
    let x = inputs(
      AttentionSize(batch: 1, queries: 3, heads: 2, keyHeads: 1, width: 2), Numbers())
    let (q, k, v) = (x[0].values, x[1].values, x[2].values)
    var expected: [Float] = []
    for head in 0..<2 {
      for t in 0..<3 {
        func dot(_ s: Int) -> Double {
          (0..<2).reduce(0) { $0 + Double(q[(head * 3 + t) * 2 + $1]) * Double(k[s * 2 + $1]) }
        }
        // A window of 2: the token itself and the one before it.
        let seen = Array(max(0, t - 1)...t)
        let weights = seen.map { exp(scale * dot($0)) }
        for channel in 0..<2 {
          let sum = zip(seen, weights).reduce(0) { $0 + Double(v[$1.0 * 2 + channel]) * $1.1 }
          expected.append(Float(sum / weights.reduce(0, +)))
        }
      }
    }
    let y = reference(x, past: 0, window: 2)
    expectNear(y, near: Tensor(expected, shape: [1, 2, 3, 2]), Bound.attention.relative(.float32))
  }

  @Test(
    "gradients are the differences of the definition",
    arguments: [
      AttentionSize(batch: 1, queries: 3, heads: 2, keyHeads: 1, width: 2),
      AttentionSize(batch: 1, queries: 2, past: 2, heads: 2, keyHeads: 2, width: 2),
      AttentionSize(batch: 1, queries: 4, heads: 1, keyHeads: 1, width: 2, window: 2),
    ])
  func gradients(size: AttentionSize) {
    let x = inputs(size, Numbers())
    for (_, layout) in layouts(size) {
      expectGradients(
        at: x, of: { [run($0, layout, window: size.window)] },
        definition: { [reference($0, past: size.past, window: size.window)] })
    }
  }

  @Test("wrong shapes are errors that name shapes")
  func misuse() {
    let x = inputs(AttentionSize(queries: 3, past: 2, heads: 2, keyHeads: 2, width: 8), Numbers())
    let narrow = Tensor.zeros([2, 2, 5, 7])
    expectFailure("[2, 2, 3, 8]", "[2, 2, 2, 7]") { run([x[0], narrow, narrow], .after(past: 2)) }
    expectFailure("[2, 2, 4, 8]") {
      run([x[0], x[1].slice(0..<4, dim: 2), x[2].slice(0..<4, dim: 2)], .after(past: 2))
    }
    expectFailure("[2, 2, 3, 8]", "[1, 1, 4, 5]") {
      run(
        x,
        .positions(
          queries: Tensor([[0, 1, 2, 3]].flatMap(\.self), shape: [1, 4]),
          keys: Tensor.range(0, to: 5).unsqueezed(0)))
    }
  }
}
