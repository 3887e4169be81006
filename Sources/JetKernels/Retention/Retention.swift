public import JetTensor

/// Retention in the form that fits: a single token by its definition, more in chunks; see
/// ``retentionDefinition(query:key:value:logDecay:memory:scale:)``.
public func retention(
  query: Tensor, key: Tensor, value: Tensor, logDecay: Tensor, memory: inout Tensor, scale: Double
) -> Tensor {
  let length = query.dim(1)
  guard length > 1, !FastForm.isDisabled else {
    return retentionDefinition(
      query: query, key: key, value: value, logDecay: logDecay, memory: &memory, scale: scale)
  }
  if FastForm.narrows([query, key, value]) {
    return retentionNarrow(
      query: query, key: key, value: value, logDecay: logDecay, memory: &memory, scale: scale,
      chunk: Chunks.size(for: length))
  }
  return retentionChunked(
    query: query, key: key, value: value, logDecay: logDecay, memory: &memory, scale: scale,
    chunk: Chunks.size(for: length))
}
