import JetTensor

private let flashForward = Operator("aten::_flash_attention_forward")

/// Whether libtorch's flash kernel for GPUs takes such a call: bfloat16, heads of a width that it has, no gradient.
func flashApplies(_ query: Tensor) -> Bool {
  guard !query.isFailed, query.device != .cpu, query.dtype == .bfloat16 else { return false }
  return query.dim(3) <= 256 && query.dim(3).isMultiple(of: 8) && !gradientsAreEnabled
}

/// Causal attention whose last query stands at the last key, by libtorch's flash kernel for GPUs: neither a mask nor a
/// score is ever in memory, and grouped heads are read as they lie.
///
/// - Parameters:
///   - query: `[B, H, T, D]`.
///   - key: `[B, G, S, D]`, S at least T; value likewise.
///   - window: how many keys a query sees, its own included; all before it when nil.
/// - Returns: `[B, H, T, D]`.
/// - Source: Dao 2023, [arXiv:2307.08691](https://arxiv.org/abs/2307.08691).
func flashAttention(
  query: Tensor, key: Tensor, value: Tensor, window: Int?, scale: Double
) -> Tensor {
  let (queries, keys) = (query.dim(2), key.dim(2))
  // The kernel takes all earlier keys for a bound below 0.
  let left = window.flatMap { $0 < keys ? $0 - 1 : nil } ?? -1
  return flashForward.all(
    .tensor(query.transposed(1, 2)), .tensor(key.transposed(1, 2)),
    .tensor(value.transposed(1, 2)), .none, .none, .int(queries), .int(keys), .double(0),
    .bool(true), .bool(false), .double(scale), .int(left), .int(0), capacity: 5
  )[0].transposed(1, 2)
}
