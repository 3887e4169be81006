import JetKernels
import JetTensor

extension Attention {
  /// Pieces of some sequences whose keys and values lie in pages or rings; packed rows, `[1, ΣT, D]` to `[1, ΣT, D]`.
  ///
  /// Padding stands behind a sequence's tokens, so no token of its own sees it and no mask is needed.
  ///
  /// - Parameters:
  ///   - keys: the pool, `[P, G, C, Dh]`, changed in place; values likewise.
  func read(_ x: Tensor, keys: Tensor, values: Tensor, _ group: PieceGroup) -> Tensor {
    let context = group.context
    let window = configuration.window
    let (q, k, v) = projected(x, context)  // [B, H, T, Dh], [B, G, T, Dh] twice
    // Before a ring is written, for new tokens take the places of old ones.
    let past = group.past(window: window)
    let before = past.map { ($0.gathered(keys), $0.gathered(values)) }
    let places = group.places(window: window)
    for (pool, new) in [(keys, k), (values, v)] {
      let packed = context.packed(new.transposed(1, 2)).select(0, dim: 0)  // [ΣT, G, Dh]
      let kept = places.kept.map { packed.rows($0) } ?? packed
      pool.transposed(1, 2).assign(kept, at: [places.pages, places.tokens])
    }
    guard let past, let before else {
      return merged(
        attention(query: q, key: k, value: v, layout: .same, window: window, scale: scale), context)
    }
    return merged(
      attention(
        query: q, key: Tensor.concatenate([before.0, k], dim: 2),
        value: Tensor.concatenate([before.1, v], dim: 2), layout: .after(past: past.count),
        window: window, scale: scale), context)
  }
}

extension Attention {
  /// One token a sequence, norm and residual included, `[N, D]` to `[N, D]`.
  ///
  /// - Parameters:
  ///   - keys: a pool of pages or of rings, `[P, G, C, Dh]`, changed in place; values likewise.
  func step(
    _ x: ResidualStream, norm: RMSNorm, keys: Tensor, values: Tensor, _ context: StepContext
  ) -> ResidualStream {
    let isRing = configuration.window != nil
    let pools = Pools(
      keys: keys, values: values, pages: context.pages(isRing: isRing),
      positions: context.batch.positions, isRing: isRing)
    let projected = projection.step(x, norm: norm)
    let query = rotaryStep(
      projected,
      norms: headNorms.map {
        HeadNormWeights(query: $0.query.weight, key: $0.key.weight, eps: $0.query.eps)
      },
      frequencies: context.pools.frequencies(headWidth: configuration.headWidth), pools: pools)
    let mixed = pagedAttentionStep(query: query, pools: pools, scale: scale)
    return output.step(mixed, addedTo: x)
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
