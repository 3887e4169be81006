import JetKernels
import JetTensor

/// What an RWKV7 layer makes of its tokens before they meet the memory, for any leading dimensions.
struct RWKV7Inputs {
  /// `r`, float32 `[…, H, K]`: what the memory is asked for.
  var receptance: Tensor
  /// `k'`, float32 `[…, H, K]`: the key that is written.
  var written: Tensor
  /// `v`, `[…, H, V]`.
  var value: Tensor
  /// `log α`, float32 `[…, H, K]`.
  var logDecay: Tensor
  /// `κ`, float32 `[…, H, K]`: the key that is removed.
  var removed: Tensor
  /// `a`, float32 `[…, H, K]`: the in-context learning rates.
  var rate: Tensor
  /// `g`, `[…, H·V]`: the gate of the read-outs.
  var gate: Tensor
}

extension RWKV7 {
  /// What the tokens `x`, `[…, D]`, bring, with those before them.
  ///
  /// - Parameter product: how a linear map is applied.
  func inputs(
    _ x: Tensor, previous: Tensor, by product: (Linear, Tensor) -> Tensor = { $0($1) }
  ) -> RWKV7Inputs {
    let heads = configuration.heads
    let change = previous - x
    func shifted(_ share: Tensor) -> Tensor { x + change * share }
    let r = product(receptance, shifted(shifts.receptance)).heads(heads).float32
    let k = product(key, shifted(shifts.key)).heads(heads).float32
    let v = product(value, shifted(shifts.value)).heads(heads)
    let decays = decay(shifted(shifts.decay), activation: tanh, by: product).float32
    let a = sigmoid(rate(shifted(shifts.rate), by: product).float32).heads(heads)
    return RWKV7Inputs(
      receptance: r, written: k * ((a - 1) * keyScales.rate.heads(heads) + 1), value: v,
      logDecay: (sigmoid(decays) * -0.606_530_659_712_633_4).heads(heads),
      removed: unitRows(k * keyScales.removal.heads(heads)), rate: a,
      gate: gate(shifted(shifts.gate), activation: sigmoid, by: product))
  }

  /// The read-outs `[…, H, V]` normed, with the tokens' own values, and gated: `[…, H·V]`.
  func opened(_ mixed: Tensor, _ inputs: RWKV7Inputs) -> Tensor {
    let bonus = (inputs.receptance * inputs.written * keyScales.bonus).sum([-1], keepDims: true)
    let eps = configuration.normEps * Double(configuration.keyWidth)
    let read =
      headNorm(mixed, weight: normWeight, bias: normBias, eps: eps) + bonus * inputs.value.float32
    return (read.mergedHeads * inputs.gate.float32).to(inputs.gate.dtype)
  }
}
