import Foundation
import JetModels
import JetTensor

extension MixerStart {
  /// Mamba2 in words of attention: `C` asks as a query does, `B` is the key, the heads' inputs are the values.
  ///
  /// The one input projection holds the rows of gate, inputs, B, C and steps in this order, the convolution those of
  /// inputs, B and C. A group of heads is given the queries and keys of the teacher heads that its heads stand for
  /// together. The skip begins at 0, for attention has none.
  ///
  /// A head that keeps `n` tokens has the step and the rate `1/√n`: what it sums of independent tokens is then as large as
  /// that of other heads, with which it shares one norm.
  func mamba2(_ mamba: Mamba2Configuration, _ name: String, _ drawn: Tensor) -> Tensor? {
    let groups = LinearHeads(
      heads: mamba.groups, keyWidth: mamba.keyWidth, valueWidth: mamba.valueWidth)
    switch name {
    case "in_proj.weight":
      let (inner, keys) = (mamba.heads * mamba.valueWidth, mamba.groups * mamba.keyWidth)
      let rows = drawn.float32.split([inner, inner, keys, keys, mamba.heads], dim: 0)
      let values = mapped("v_proj.weight") { $0.value($1, initial: rows[1]) }
      let b = mapped("k_proj.weight", to: groups) { $0.key($1, initial: rows[2]) }
      let c = mapped("q_proj.weight", to: groups) { $0.query($1, initial: rows[3]) }
      return Tensor.concatenate(
        [rows[0], values ?? rows[1], b ?? rows[2], c ?? rows[3], rows[4]], dim: 0)
    case "out_proj.weight": return mapped("o_proj.weight") { $0.output($1) }
    case "conv1d.weight": return MixerPrior.lastTap(drawn.shape)
    case "conv1d.bias", "D": return Tensor.zeros(drawn.shape)
    case "A_log":
      return Tensor(MixerPrior.keptTokens(heads: mamba.heads).map { Float(-log($0) / 2) })
    case "dt_bias":
      return Tensor(
        MixerPrior.keptTokens(heads: mamba.heads).map { Float(log(expm1(1 / $0.squareRoot()))) })
    default: return nil
    }
  }
}
