public import JetTensor

/// One token of the JetBlock for each of N sequences, whose memories and windows have slots in pools, by its definition.
///
/// Between the block's merged input projection and its output projection, with `s` the slot of a row:
/// `window[s] ← (window[s] without its oldest, v)`, `v = silu(Σ_w taps_w · window[s]_w)`,
/// `k = unit(silu(k))`, `q = unit(silu(q)) · K^−½`, `β = sigmoid(b)`, `α = exp(−exp(logRate) · softplus(a + stepBias))`,
/// `S ← αS`, `u = β(v − Sᵀk)`, `S ← S + k uᵀ`, `o = Sᵀq`, and the result is `o / √(mean(o²) + ε) · norm · silu(gate)`.
/// `silu(q)`, `silu(k)`, `v`, `o` and the result are rounded to the type of `projected`; all else is float32.
///
/// Shapes: N rows, H heads, K key width, V value width, W taps, R the generator's inner channels, S slots.
///
/// - Parameters:
///   - projected: a row each, `[N, q | k | v | gate | R | a | b]`, that is 2HK + 2HV + R + 2H numbers; R are not read.
///   - taps: the kernels of the values' channels, the taps of one side by side, `[N, H·V·W]`.
///   - logRate: `[H]`.
///   - stepBias: `[H]`.
///   - norm: the weight of the norm of the read-outs, `[V]`.
///   - eps: added to the mean square in that norm.
///   - window: the pool `[S, H·V, W]` in the type of `projected`, newest last; changed in place at `slots`.
///   - memory: the pool `[S, H, K, V]`, float32, or bfloat16 to halve it; changed in place at `slots`.
///   - slots: int32 `[N]`. Rows that share a slot leave one of their states there, unspecified which.
/// - Returns: `[N, H·V]` in the type of `projected`.
/// - Complexity: O(N·H·K·V) multiply-adds; each state is read once and written once.
/// - Source: Gu et al. 2025, [arXiv:2508.15884](https://arxiv.org/abs/2508.15884), section 2.4; the rule: Yang et al.
///   2024, [arXiv:2412.06464](https://arxiv.org/abs/2412.06464), section 3.
public func jetBlockStepDefinition(
  projected: Tensor, taps: Tensor, logRate: Tensor, stepBias: Tensor, norm: Tensor, eps: Double,
  window: Tensor, memory: Tensor, slots: Tensor
) -> Tensor {
  let (heads, keyWidth) = (memory.dim(1), memory.dim(2))
  let (keys, values) = (heads * keyWidth, heads * memory.dim(3))
  let inner = projected.dim(1) - 2 * (keys + values + heads)
  precondition(
    inner >= 0, "jetBlockStep: projected is \(projected.summary), the memory \(memory.summary)")
  let parts = projected.unsqueezed(1)  // [N, 1, …]
    .split([keys, keys, values, values, inner, heads, heads], dim: -1)
  let rows = slots.to(.int64)

  let before = window.rows(rows)
  let v = dynamicConvolutionDefinition(parts[2], kernels: taps.unsqueezed(1), window: before)
  window.assign(shiftedWindowDefinition(before, parts[2], counts: nil), at: [rows])

  let gates = decayGatesDefinition(
    decay: parts[5], write: parts[6], logRate: logRate, stepBias: stepBias)
  var states = memory.rows(rows).float32
  let mixed = gatedDeltaRuleDefinition(
    query: silu(parts[0]).heads(heads), key: silu(parts[1]).heads(heads), value: v.heads(heads),
    writeStrength: gates.writeStrength, logDecay: gates.logDecay, memory: &states,
    scale: 1 / Double(keyWidth).squareRoot(), normalizes: true)  // [N, 1, H, V]
  memory.assign(states.to(memory.dtype), at: [rows])

  return gatedRMSNormDefinition(mixed, gate: parts[3].heads(heads), weight: norm, eps: eps)
    .mergedHeads.squeezed(1)
}

/// One token of the JetBlock for each of N sequences with slots in pools; see
/// ``jetBlockStepDefinition(projected:taps:logRate:stepBias:norm:eps:window:memory:slots:)``.
///
/// On a GPU our kernel runs, for keys and values of at most 512 channels; elsewhere the definition does.
public func jetBlockStep(
  projected: Tensor, taps: Tensor, logRate: Tensor, stepBias: Tensor, norm: Tensor, eps: Double,
  window: Tensor, memory: Tensor, slots: Tensor
) -> Tensor {
  let whole = [taps, logRate, stepBias, norm, window, memory, slots]
  let fits =
    FastForm.appliesOnGPU(to: projected, taps, logRate, stepBias, norm, window, memory)
    && projected.dim(0) <= 65_535 && memory.dim(2) <= 512 && memory.dim(3) <= 512
    && projected.strides.last == 1
    && whole.allSatisfy(\.isContiguous) && slots.dtype == .int32
    && [taps, window].allSatisfy { $0.dtype == projected.dtype }
    && [logRate, stepBias, norm].allSatisfy {
      $0.dtype == .float32 || $0.dtype == projected.dtype
    }
  guard fits else {
    return jetBlockStepDefinition(
      projected: projected, taps: taps, logRate: logRate, stepBias: stepBias, norm: norm, eps: eps,
      window: window, memory: memory, slots: slots)
  }
  return Kernels.jetBlockStep(
    .tensor(projected), .tensor(taps), .tensor(logRate), .tensor(stepBias), .tensor(norm),
    .double(eps), .tensor(window), .tensor(memory), .tensor(slots))
}
