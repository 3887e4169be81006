public import JetTensor

/// The generalized delta rule in the form that fits: a single token by its definition, more in chunks; see
/// ``generalizedDeltaRuleDefinition(query:key:value:recallKey:rewriteKey:logDecay:memory:)``.
public func generalizedDeltaRule(
  query: Tensor, key: Tensor, value: Tensor, recallKey: Tensor, rewriteKey: Tensor,
  logDecay: Tensor, memory: inout Tensor
) -> Tensor {
  let length = query.dim(1)
  guard length > 1, !FastForm.isDisabled else {
    return generalizedDeltaRuleDefinition(
      query: query, key: key, value: value, recallKey: recallKey, rewriteKey: rewriteKey,
      logDecay: logDecay, memory: &memory)
  }
  return generalizedDeltaRuleChunked(
    query: query, key: key, value: value, recallKey: recallKey, rewriteKey: rewriteKey,
    logDecay: logDecay, memory: &memory, chunk: Chunks.size(for: length))
}
