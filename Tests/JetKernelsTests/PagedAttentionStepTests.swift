import JetTensor
import Testing

@testable import JetKernels

@Suite("Paged attention of one token")
struct PagedAttentionStepTests {
  @Test(
    "attention to pages and rings is attention to the same tokens one after another",
    arguments: Way.all(PooledCase.all).filter { $0.layout == .whole })
  func contiguous(way: Way<PooledCase>) {
    let (one, numbers) = (way.size, Numbers(way))
    let pools = one.pools(way.dtype)
    let heads = one.keyHeads * one.group
    let query = numbers.normal([one.lengths.count, heads, one.width])
    let expected = one.lengths.indices.map { n in
      let cache = (0..<2).map { _ in numbers.normal([one.keyHeads, one.lengths[n], one.width]) }
      one.write(cache[0], one.held(n), of: n, into: pools.keys, pools)
      one.write(cache[1], one.held(n), of: n, into: pools.values, pools)
      let last = one.lengths[n] - 1
      return attentionDefinition(
        query: query.select(n, dim: 0).unsqueezed(0).unsqueezed(2).float32,
        key: cache[0].unsqueezed(0).float32, value: cache[1].unsqueezed(0).float32,
        queryPositions: Tensor([last], shape: [1, 1]),
        keyPositions: Tensor.range(0, to: last + 1).unsqueezed(0),
        window: one.isRing ? one.pageTokens : nil, scale: 0.3
      ).reshaped([1, heads * one.width])
    }
    let found = withoutGradients { pagedAttentionStep(query: query, pools: pools, scale: 0.3) }
    #expect(found.dtype == way.dtype)
    expectNear(
      found, near: Tensor.concatenate(expected, dim: 0), Bound.attention.relative(way.dtype))
  }

  @Test("a sequence that takes no part gets zeros, and the others what they get without it")
  func absent() {
    let one = PooledCase(lengths: [5, 3], pageTokens: 4, keyHeads: 1, group: 2, width: 8)
    var pools = one.pools(.float32)
    pools.keys.assign(Numbers().normal(pools.keys.shape))
    pools.values.assign(Numbers(seed: 2).normal(pools.values.shape))
    let query = Numbers(seed: 3).normal([2, 2, 8])
    let both = pagedAttentionStep(query: query, pools: pools, scale: 1)
    pools.positions = Tensor([-1, 2] as [Int32])
    let second = pagedAttentionStep(query: query, pools: pools, scale: 1)
    #expect(second.select(0, dim: 0).values.allSatisfy { $0 == 0 })
    #expect(second.select(1, dim: 0).values == both.select(1, dim: 0).values)
  }
}
