public import JetTensor

/// Attention of one token of each sequence to its keys and values in pools, by its definition.
///
/// ``attentionDefinition(query:key:value:queryPositions:keyPositions:window:scale:)`` over the tokens up to the position
/// itself; in a ring, over all that it holds. A sequence at position -1 gets zeros.
///
/// - Parameter query: `[N, H, D]`.
/// - Returns: `[N, H · D]` in the type of `query`.
public func pagedAttentionStepDefinition(query: Tensor, pools: Pools, scale: Double) -> Tensor {
  let (keys, values, present) = pools.gathered()
  // Which token stands where does not matter: the query sees every one that is there.
  let keyPositions = present.to(.int64) - 1
  let queryPositions = Tensor.zeros([query.dim(0), 1], dtype: .int64, device: query.device)
  let mixed = attentionDefinition(
    query: query.unsqueezed(2), key: keys, value: values, queryPositions: queryPositions,
    keyPositions: keyPositions, window: nil, scale: scale)  // [N, H, 1, D]
  return mixed.squeezed(2).mergedHeads
}

/// Attention of one token of each sequence in the fastest form that fits; see
/// ``pagedAttentionStepDefinition(query:pools:scale:)``.
public func pagedAttentionStep(query: Tensor, pools: Pools, scale: Double) -> Tensor {
  let fits =
    pools.allowsKernels(with: query) && query.isContiguous
    && pagedAttentionStepFits(
      heads: query.dim(1), keyHeads: pools.keys.dim(1), headWidth: query.dim(2))
  guard fits else { return pagedAttentionStepDefinition(query: query, pools: pools, scale: scale) }
  return Kernels.pagedAttentionStep(
    .tensor(query), .tensor(pools.keys), .tensor(pools.values), .tensor(pools.pages),
    .tensor(pools.positions), .bool(pools.isRing), .double(scale))
}

/// Whether our CUDA kernel takes heads of that number and width.
public func pagedAttentionStepFits(heads: Int, keyHeads: Int, headWidth: Int) -> Bool {
  headWidth <= 256 && heads <= 16 * keyHeads
}
