public import JetTensor

/// Logits `x` of a head's decay and what they pass: `Δ = softplus(x + stepBias)`, `log α = −exp(logRate) · Δ`.
public struct DecayLogits {
  /// `[N, H]`.
  public var logits: Tensor
  /// `[H]`.
  public var logRate: Tensor
  /// `[H]`.
  public var stepBias: Tensor

  /// Logits and parameters as they are.
  public init(_ logits: Tensor, logRate: Tensor, stepBias: Tensor) {
    self.logits = logits
    self.logRate = logRate
    self.stepBias = stepBias
  }
}

/// What a token does to the memory of a linear recurrence, with what it brings beside its query, key and value.
///
/// Shapes: N rows, H heads, K key width.
public enum RecurrentStepRule {
  /// `S ← diag(α) S + k vᵀ`; ``retention(query:key:value:logDecay:memory:scale:)`` for log decays `[N, H]`, and
  /// ``gatedLinearAttention(query:key:value:logDecay:memory:scale:)`` for `[N, H, K]`.
  case retention(logDecay: Tensor)
  /// `S ← α S + k (Δ v)ᵀ`: retention of a state-space model, its read-outs float32.
  case stateSpace(DecayLogits)
  /// `S ← α S + k (β (v − α Sᵀk))ᵀ` with `β = sigmoid(write)`, for unit rows `q` and `k`;
  /// ``gatedDeltaRule(query:key:value:writeStrength:logDecay:memory:scale:normalizes:activates:)``. `write` is `[N, H]`; without
  /// decay, `α = 1`.
  case delta(write: Tensor, decay: DecayLogits?)
  /// `S ← diag(α) S + b (Sᵀa)ᵀ + k vᵀ`;
  /// ``generalizedDeltaRule(query:key:value:recallKey:rewriteKey:logDecay:memory:)``. All are `[N, H, K]`.
  case generalized(logDecay: Tensor, recallKey: Tensor, rewriteKey: Tensor)
}

/// One token of a linear recurrence for each of N sequences, whose memories have slots in a pool, by the operations for
/// whole pieces on gathered rows of the pool.
///
/// `S` changes by `rule`, then `o = scale · Sᵀq`, all in float32.
///
/// Shapes: N rows, H heads, G heads of queries and keys, K key width, V value width, S slots.
///
/// - Parameters:
///   - query: `[N, G, K]`; each serves H / G heads, one after another.
///   - key: `[N, G, K]`.
///   - value: `[N, H, V]`.
///   - memory: the pool `[S, H, K, V]`, float32; changed in place at `slots`.
///   - slots: int32 `[N]`. Rows that share a slot leave one of their states there, unspecified which.
/// - Returns: `[N, H, V]` in the type of `value`; of a state-space model float32.
/// - Complexity: O(N·H·K·V) multiply-adds; each state is read once and written once.
public func recurrentStepDefinition(
  query: Tensor, key: Tensor, value: Tensor, rule: RecurrentStepRule, scale: Double,
  memory: Tensor, slots: Tensor
) -> Tensor {
  let sharing = memory.dim(1) / query.dim(1)
  func token(_ x: Tensor) -> Tensor { x.unsqueezed(1) }  // [N, 1, …]
  let q = token(query.repeated(sharing, dim: 1))
  let k = token(key.repeated(sharing, dim: 1))
  let v = token(value)
  var states = memory.rows(slots)
  let mixed: Tensor  // [N, 1, H, V]
  switch rule {
  case .retention(let logDecay) where logDecay.rank == 2:
    mixed = retention(
      query: q, key: k, value: v, logDecay: token(logDecay), memory: &states, scale: scale)
  case .retention(let logDecay):
    mixed = gatedLinearAttention(
      query: q, key: k, value: v, logDecay: token(logDecay), memory: &states, scale: scale)
  case .stateSpace(let decay):
    let step = softplus(decay.logits.float32 + decay.stepBias.float32)
    mixed = retention(
      query: q, key: k, value: v.float32 * token(step).unsqueezed(-1),
      logDecay: token(-exp(decay.logRate.float32) * step), memory: &states, scale: scale)
  case .delta(let write, let decay):
    let gates = decay.map {
      decayGatesDefinition(
        decay: $0.logits, write: write, logRate: $0.logRate, stepBias: $0.stepBias)
    }
    let strength = gates?.writeStrength ?? sigmoid(write.float32)
    mixed = gatedDeltaRule(
      query: q, key: k, value: v, writeStrength: token(strength),
      logDecay: token(gates?.logDecay ?? Tensor.zeros(strength.shape, device: v.device)),
      memory: &states, scale: scale)
  case .generalized(let logDecay, let recallKey, let rewriteKey):
    mixed = generalizedDeltaRule(
      query: q.float32 * scale, key: k, value: v, recallKey: token(recallKey),
      rewriteKey: token(rewriteKey), logDecay: token(logDecay), memory: &states)
  }
  memory.assign(states, at: [slots.to(.int64)])
  return mixed.squeezed(1)
}

/// One token of a linear recurrence for each of N sequences with slots in a pool; see
/// ``recurrentStepDefinition(query:key:value:rule:scale:memory:slots:)``.
///
/// On a GPU our kernel runs, for keys of at most 512 channels; elsewhere the definition does.
public func recurrentStep(
  query: Tensor, key: Tensor, value: Tensor, rule: RecurrentStepRule, scale: Double,
  memory: Tensor, slots: Tensor
) -> Tensor {
  let operands = RecurrentStepOperands(rule)
  let rows = [query, key, value] + operands.ofChannels
  let fits =
    (rows + operands.all + [memory]).allSatisfy {
      FastForm.appliesOnGPU(to: query, $0) && !($0.requiresGradient && gradientsAreEnabled)
    }
    && rows.allSatisfy { $0.dim(-1) == 1 || $0.strides.last == 1 }
    && query.dim(0) <= 65_535 && memory.dim(1) <= 65_535 && memory.dim(2) <= 512
    && memory.dtype == .float32 && memory.isContiguous
    && slots.dtype == .int32 && slots.isContiguous
  guard fits else {
    return recurrentStepDefinition(
      query: query, key: key, value: value, rule: rule, scale: scale, memory: memory, slots: slots)
  }
  return Kernels.recurrentStep(
    .int(operands.rule), .tensor(query), .tensor(key), .tensor(value), .optional(operands.decay),
    .optional(operands.logRate), .optional(operands.stepBias), .optional(operands.write),
    .optional(operands.recallKey), .optional(operands.rewriteKey), .double(scale), .tensor(memory),
    .tensor(slots))
}

/// A rule as the kernel takes it.
private struct RecurrentStepOperands {
  /// The rule's number.
  let rule: Int
  var decay: Tensor?
  var logRate: Tensor?
  var stepBias: Tensor?
  var write: Tensor?
  var recallKey: Tensor?
  var rewriteKey: Tensor?

  init(_ rule: RecurrentStepRule) {
    func logits(_ own: DecayLogits?) -> (Tensor?, Tensor?, Tensor?) {
      (own?.logits, own?.logRate, own?.stepBias)
    }
    switch rule {
    case .retention(let logDecay):
      self.rule = 0
      decay = logDecay
    case .stateSpace(let own):
      self.rule = 1
      (decay, logRate, stepBias) = logits(own)
    case .delta(let write, let own):
      self.rule = 2
      self.write = write
      (decay, logRate, stepBias) = logits(own)
    case .generalized(let logDecay, let recallKey, let rewriteKey):
      self.rule = 3
      (decay, self.recallKey, self.rewriteKey) = (logDecay, recallKey, rewriteKey)
    }
  }

  /// Those that are there.
  var all: [Tensor] {
    [decay, logRate, stepBias, write, recallKey, rewriteKey].compactMap(\.self)
  }

  /// Those with a number for each channel of the key.
  var ofChannels: [Tensor] { all.filter { $0.rank == 3 } }
}
