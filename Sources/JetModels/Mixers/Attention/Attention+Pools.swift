import JetKernels
import JetTensor

extension Attention {
  /// A piece of one sequence whose keys and values lie in pages; `[1, T, D]` to `[1, T, D]`.
  ///
  /// - Parameters:
  ///   - keys: the pool, `[P, G, C, Dh]`, changed in place; values likewise.
  ///   - pages: the sequence's, in order.
  func read(
    _ x: Tensor, keys: Tensor, values: Tensor, pages: [Int], _ context: ForwardContext
  ) -> Tensor {
    let (q, k, v) = projected(x, context)  // [1, H, T, Dh], [1, G, T, Dh] twice
    let (start, count) = (context.starts[0], context.length)
    let pageTokens = keys.dim(2)
    write(k, v, to: keys, values, pages: pages, start: start, context.device)
    guard start > 0 else {
      return merged(attention(query: q, key: k, value: v, layout: .same, scale: scale))
    }
    let used = pages.prefix((start + count + pageTokens - 1) / pageTokens)
    let rows = Tensor(used.map(Int32.init)).uploaded(to: context.device)
    func gathered(_ pool: Tensor) -> Tensor {
      let some = pool.rows(rows).transposed(0, 1)  // [G, pages, C, Dh]
      return some.reshaped([1, pool.dim(1), used.count * pageTokens, pool.dim(3)])
        .slice(0..<start + count, dim: 2)
    }
    return merged(
      attention(
        query: q, key: gathered(keys), value: gathered(values), layout: .after(past: start),
        scale: scale))
  }

  /// Writes the keys and values of a piece to their places in the pages.
  private func write(
    _ k: Tensor, _ v: Tensor, to keys: Tensor, _ values: Tensor, pages: [Int], start: Int,
    _ device: Device
  ) {
    let (count, pageTokens) = (k.dim(2), keys.dim(2))
    let places = start..<start + count
    let rows = Tensor(places.map { pages[$0 / pageTokens] }).uploaded(to: device)
    let offsets = Tensor(places.map { $0 % pageTokens }).uploaded(to: device)
    for (pool, new) in [(keys, k), (values, v)] {
      pool.transposed(1, 2).assign(new.select(0, dim: 0).transposed(0, 1), at: [rows, offsets])
    }
  }
}

extension Attention {
  /// One token a sequence, norm and residual included, `[N, D]` to `[N, D]`.
  ///
  /// - Parameters:
  ///   - keys: a pool of pages or of rings, `[P, G, C, Dh]`, changed in place; values likewise.
  func step(
    _ x: Tensor, norm: RMSNorm, keys: Tensor, values: Tensor, _ context: StepContext
  ) -> Tensor {
    let isRing = configuration.window != nil
    let pools = Pools(
      keys: keys, values: values, pages: context.pages(isRing: isRing),
      positions: context.batch.positions, isRing: isRing)
    let projected = linearStep(
      x, weight: projection.weight, bias: projection.bias, norm: (norm.weight, norm.eps))
    let query = rotaryStep(
      projected,
      norms: headNorms.map {
        HeadNormWeights(query: $0.query.weight, key: $0.key.weight, eps: $0.query.eps)
      },
      frequencies: context.pools.frequencies(headWidth: configuration.headWidth), pools: pools)
    let mixed = pagedAttentionStep(query: query, pools: pools, scale: scale)
    return linearStep(mixed, weight: output.weight, residual: x)
  }

  /// The same, appended to the fused steps of CPUs.
  func appendStep(
    to steps: inout LayerSteps, norm: RMSNorm, keys: Tensor, values: Tensor, _ context: StepContext
  ) {
    let isRing = configuration.window != nil
    steps.appendAttention(
      norm: norm.weight, eps: norm.eps, projection: projection.weight, bias: projection.bias,
      queryNorm: headNorms?.query.weight, keyNorm: headNorms?.key.weight,
      angles: context.forward.angles(headWidth: configuration.headWidth), keys: keys,
      values: values, pages: context.pages(isRing: isRing), positions: context.batch.positions,
      isRing: isRing, output: output.weight, heads: configuration.heads, scale: scale)
  }
}
