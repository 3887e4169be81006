public import JetTensor

/// Where the keys of an attention call stand relative to its queries.
public enum KeyLayout {
  /// Keys and queries are the same tokens, in order.
  case same
  /// The keys of `past` earlier tokens come first, then those of the queries; in order, for all sequences.
  case after(past: Int)
  /// Any positions: int64 `[B, T]` of the queries and `[B, S]` of the keys, -1 where there is no key.
  case positions(queries: Tensor, keys: Tensor)
}

/// Causal attention with grouped heads in the fastest form that fits; see
/// ``attentionDefinition(query:key:value:queryPositions:keyPositions:window:scale:)``.
public func attention(
  query: Tensor, key: Tensor, value: Tensor, layout: KeyLayout, window: Int? = nil, scale: Double
) -> Tensor {
  let (queries, keys) = (query.dim(2), key.dim(2))
  if FastForm.isDisabled {
    let (q, k) = positions(layout, query: query, key: key)
    return attentionDefinition(
      query: query, key: key, value: value, queryPositions: q, keyPositions: k, window: window,
      scale: scale)
  }
  switch layout {
  case .same, .after:
    guard flashApplies(query) else { break }
    return flashAttention(query: query, key: key, value: value, window: window, scale: scale)
  case .positions: break
  }
  switch layout {
  case .same where window.map({ $0 >= queries }) ?? true:
    return fused(query, key, value, isCausal: true, scale: scale)
  case .after(let past)
  where window == nil && past > 0 && query.device == .cpu && !gradientsAreEnabled:
    return attentionAfter(past: past, query: query, key: key, value: value, scale: scale)
  case .same, .after:
    let past = keys - queries
    guard let window, queries > window else { break }
    // Blocks of queries, each with the keys that its window reaches: linear in the length.
    let block = max(window, 256)
    let parts = stride(from: 0, to: queries, by: block).map { start in
      let end = min(start + block, queries)
      let first = max(0, past + start - window + 1)
      return masked(
        query.slice(start..<end, dim: 2), key.slice(first..<past + end, dim: 2),
        value.slice(first..<past + end, dim: 2), offset: past + start - first, window: window,
        scale: scale)
    }
    return Tensor.concatenate(parts, dim: 2)
  case .positions: break
  }
  if case .positions(let q, let k) = layout {
    let visible = visibility(q, k, window: window).unsqueezed(1)
    return fused(query, key, value, mask: visible, scale: scale)
  }
  return masked(query, key, value, offset: keys - queries, window: window, scale: scale)
}

/// Attention where query `t` stands at key `offset + t`.
private func masked(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, offset: Int, window: Int?, scale: Double
) -> Tensor {
  let device = query.device
  let q = Tensor.range(offset, to: offset + query.dim(2), device: device).unsqueezed(0)
  let k = Tensor.range(0, to: key.dim(2), device: device).unsqueezed(0)
  let visible = visibility(q, k, window: window).unsqueezed(1)
  return fused(query, key, value, mask: visible, scale: scale)
}

private func positions(_ layout: KeyLayout, query: Tensor, key: Tensor) -> (Tensor, Tensor) {
  if case .positions(let q, let k) = layout { return (q, k) }
  let past = key.dim(2) - query.dim(2)
  return (
    Tensor.range(past, to: key.dim(2), device: query.device).unsqueezed(0),
    Tensor.range(0, to: key.dim(2), device: query.device).unsqueezed(0)
  )
}

private func fused(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
  scale: Double
) -> Tensor {
  let group = query.dim(1) / key.dim(1)
  // The flash kernel of GPUs reads shared heads as they lie.
  if query.device != .cpu, query.dtype == .bfloat16, mask == nil {
    return scaledDotProductAttention(
      query, key, value, isCausal: isCausal, scale: scale, groupsHeads: group > 1)
  }
  return scaledDotProductAttention(
    query, key.repeated(group, dim: 1), value.repeated(group, dim: 1), mask: mask,
    isCausal: isCausal, scale: scale)
}

private let flashAttention = Operator("aten::_scaled_dot_product_flash_attention_for_cpu")

/// Attention to the past and to the tokens themselves, each without a mask, joined by their sums of exponentials.
private func attentionAfter(
  past: Int, query: Tensor, key: Tensor, value: Tensor, scale: Double
) -> Tensor {
  let (batch, heads, queries, width) = (query.dim(0), query.dim(1), query.dim(2), query.dim(3))
  let (keyHeads, group) = (key.dim(1), query.dim(1) / key.dim(1))
  func part(_ q: Tensor, _ k: Tensor, _ v: Tensor, isCausal: Bool) -> (Tensor, Tensor) {
    let both = flashAttention.all(
      .tensor(q), .tensor(k), .tensor(v), .double(0), .bool(isCausal), .none, .double(scale))
    return (both[0], both[1])
  }
  // Heads of a group become further queries of their key head, so that keys and values are read as they lie.
  let folded = query.reshaped([batch, keyHeads, group * queries, width])
  let (before, beforeSum) = part(
    folded, key.slice(0..<past, dim: 2), value.slice(0..<past, dim: 2), isCausal: false)
  let own = past..<past + queries
  let (after, afterSum) = part(
    query, key.slice(own, dim: 2).repeated(group, dim: 1),
    value.slice(own, dim: 2).repeated(group, dim: 1), isCausal: true)
  let shape = [batch, heads, queries, width]
  let weight = sigmoid(
    beforeSum.reshaped([batch, heads, queries]) - afterSum.reshaped([batch, heads, queries])
  )
  .unsqueezed(-1)
  let joined = before.reshaped(shape).float32 * weight + after.float32 * (-weight + 1)
  return joined.to(query.dtype)
}
