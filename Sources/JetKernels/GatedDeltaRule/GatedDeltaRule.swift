public import JetTensor

/// The gated delta rule in the fastest form that fits; see
/// ``gatedDeltaRuleDefinition(query:key:value:writeStrength:logDecay:memory:scale:normalizes:)``.
///
/// On the CPU without gradients and on a GPU our kernels run; without gradients they write the memory in place.
/// Elsewhere a single token takes the definition, and more of them
/// ``gatedDeltaRuleChunked(query:key:value:writeStrength:logDecay:memory:scale:normalizes:chunk:)``.
///
/// - Parameter activates: whether queries and keys pass `silu` first. On Hopper, in bfloat16 and for keys of at most
///   128 numbers in rows that can be read 16 bytes at a time the kernels apply it where they read them. On a GPU their
///   gradients are written where they belong among those of other pieces of a product; see ``pieces(of:_:)``.
public func gatedDeltaRule(
  query: Tensor, key: Tensor, value: Tensor, writeStrength: Tensor, logDecay: Tensor,
  memory: inout Tensor, scale: Double, normalizes: Bool = true, activates: Bool = false
) -> Tensor {
  let hasRows =
    key.dim(3) <= 256 && memory.isContiguous
    && [query, key, value].allSatisfy { $0.dtype == value.dtype && $0.strides.last == 1 }
  if hasRows, memory.dtype == .float32,
    FastForm.appliesOnGPU(to: query, key, value, writeStrength, logDecay, memory)
  {
    return gatedDeltaRuleOnGPU(
      query: query, key: key, value: value, writeStrength: writeStrength.float32,
      logDecay: logDecay.float32, memory: &memory, scale: scale, normalizes: normalizes,
      activates: activates)
  }
  let (query, key) = activates ? (silu(query), silu(key)) : (query, key)
  if FastForm.isDisabled {
    return gatedDeltaRuleDefinition(
      query: query, key: key, value: value, writeStrength: writeStrength, logDecay: logDecay,
      memory: &memory, scale: scale, normalizes: normalizes)
  }
  let fits =
    hasRows && value.dim(3) <= 256
    && FastForm.applies(to: query, key, value, writeStrength, logDecay, memory)
  guard fits else {
    let length = query.dim(1)
    guard length > 1 else {
      return gatedDeltaRuleDefinition(
        query: query, key: key, value: value, writeStrength: writeStrength, logDecay: logDecay,
        memory: &memory, scale: scale, normalizes: normalizes)
    }
    if FastForm.narrows([query, key, value, writeStrength, logDecay]) {
      return gatedDeltaRuleNarrow(
        query: query, key: key, value: value, writeStrength: writeStrength, logDecay: logDecay,
        memory: &memory, scale: scale, normalizes: normalizes, chunk: Chunks.size(for: length))
    }
    return gatedDeltaRuleChunked(
      query: query, key: key, value: value, writeStrength: writeStrength, logDecay: logDecay,
      memory: &memory, scale: scale, normalizes: normalizes, chunk: Chunks.size(for: length))
  }
  if query.dim(1) == 1 {
    return Kernels.gatedDeltaRuleStep(
      .tensor(query), .tensor(key), .tensor(value), .tensor(writeStrength.float32),
      .tensor(logDecay.float32), .tensor(memory), .double(scale), .bool(normalizes))
  }
  return Kernels.gatedDeltaRuleChunked(
    .tensor(query), .tensor(key), .tensor(value), .tensor(writeStrength.float32),
    .tensor(logDecay.float32), .tensor(memory), .double(scale), .bool(normalizes), .bool(false))
}

/// By our CUDA kernels, in place where no gradient is asked for.
private func gatedDeltaRuleOnGPU(
  query: Tensor, key: Tensor, value: Tensor, writeStrength: Tensor, logDecay: Tensor,
  memory: inout Tensor, scale: Double, normalizes: Bool, activates: Bool
) -> Tensor {
  let tensors = [query, key, value, writeStrength, logDecay, memory]
  guard gradientsAreEnabled, tensors.contains(where: \.requiresGradient) else {
    return Kernels.gatedDeltaRuleChunked(
      .tensor(query), .tensor(key), .tensor(value), .tensor(writeStrength), .tensor(logDecay),
      .tensor(memory), .double(scale), .bool(normalizes), .bool(activates))
  }
  let results = Kernels.gatedDeltaRule.all(
    .tensor(query), .tensor(key), .tensor(value), .tensor(writeStrength), .tensor(logDecay),
    .tensor(memory), .double(scale), .bool(normalizes), .bool(activates), capacity: 2)
  memory = results[1]
  return results[0]
}
