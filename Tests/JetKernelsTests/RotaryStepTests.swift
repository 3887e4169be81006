import JetTensor
import Testing

@testable import JetKernels

@Suite("Rotary step")
struct RotaryStepTests {
  private let configuration = RotaryConfiguration(
    theta: 1e4,
    scaling: .yarn(
      factor: 4, originalPositions: 64, betaFast: 32, betaSlow: 1, attentionFactor: nil))

  @Test(
    "queries are turned, and keys and values written, as a layer does it for one token",
    arguments: Way.all(PooledCase.all), [false, true])
  func layer(way: Way<PooledCase>, isNormed: Bool) {
    let (one, numbers) = (way.size, Numbers(way))
    let (heads, width) = (one.keyHeads * one.group, one.width)
    let pools = one.pools(way.dtype)
    let before = (pools.keys.clone(), pools.values.clone())
    let projected = numbers.normal([one.lengths.count, (heads + 2 * one.keyHeads) * width])
    let norms =
      isNormed
      ? HeadNormWeights(
        query: numbers.aroundOne([width]), key: numbers.aroundOne([width]), eps: 1e-6) : nil
    let (radians, magnitude) = configuration.frequencies(headWidth: width, length: 1)
    let queries = withoutGradients {
      rotaryStep(
        projected, norms: norms,
        frequencies: RotaryFrequencies(radians: Tensor(radians), magnitude: Double(magnitude)),
        pools: pools)
    }

    let parts = projected.unsqueezed(1).heads(heads + 2 * one.keyHeads)
      .split([heads, one.keyHeads, one.keyHeads], dim: 2)
    let angles = RotaryAngles(
      positions: one.lengths.map { [$0 - 1] }, headWidth: width, configuration: configuration)
    func turned(_ x: Tensor, _ weight: Tensor?) -> Tensor {
      rotaryDefinition(
        weight.map { rmsNormDefinition(x, weight: $0, eps: 1e-6) } ?? x, angles)
    }
    let bound = Bound.pass.relative(way.dtype)
    expectNear(queries, near: turned(parts[0], norms?.query).squeezed(1).float32, bound)
    let written = [turned(parts[1], norms?.key), parts[2]].map { $0.transposed(1, 2) }
    for n in one.lengths.indices {
      for (pool, new) in zip([before.0, before.1], written) {
        // The new token alone, as if the sequence began with it.
        let cache = new.select(n, dim: 0).expanded([one.keyHeads, one.lengths[n], width])
        one.write(cache, one.lengths[n] - 1..<one.lengths[n], of: n, into: pool, pools)
      }
    }
    for (found, expected) in [(pools.keys, before.0), (pools.values, before.1)] {
      let isWritten = found .== found
      let same = (isWritten.to(.int64) - (expected .== expected).to(.int64))
      #expect(same.array(of: Int.self).allSatisfy { $0 == 0 }, "other places were written")
      expectNear(
        found.masked(!isWritten, with: 0), near: expected.masked(!isWritten, with: 0).float32,
        bound)
    }
  }

  @Test("a sequence that takes no part, or has no page for its place, writes nothing")
  func absent() {
    let one = PooledCase(lengths: [1, 1], pageTokens: 2, keyHeads: 1, group: 1, width: 4)
    var pools = one.pools(.float32)
    pools.positions = Tensor([-1, 2] as [Int32])
    _ = rotaryStep(
      Numbers().normal([2, 12]), norms: nil,
      frequencies: RotaryFrequencies(radians: Tensor([1, 0.1] as [Float]), magnitude: 1),
      pools: pools)
    #expect((pools.keys.values + pools.values.values).allSatisfy { $0.isNaN })
  }
}
