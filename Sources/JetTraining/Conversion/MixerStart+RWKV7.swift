import Foundation
import JetModels
import JetTensor

extension MixerStart {
  /// What RWKV7 needs beside the teacher's receptances (queries), keys and values.
  ///
  /// Receptance, key and value look at the token itself, as the teacher's do. The decay of each head, at most `e^{−1/2}`
  /// in a token's logarithm, keeps from 8 to 2,048 tokens. The gate begins at about 1: `W₂ sigmoid(W₁ x)` with
  /// `sigmoid ≈ 1/2` and rows of `W₂` that add to 2, a tenth of what was drawn staying on them. The token's own value
  /// begins at 0, for the teacher's queries and keys are not scaled for it.
  func rwkv7Prior(_ name: String, _ drawn: Tensor) -> Tensor? {
    switch name {
    case "x_r", "x_k", "x_v", "r_k": return Tensor.zeros(drawn.shape)
    case "w_lora.lora.2.bias":
      let fastest = exp(-0.5)
      let logits = MixerPrior.keptTokens(heads: heads.heads).map { kept in
        // logit(1 / (kept · e^{−1/2}))
        Float(-log(kept * fastest - 1))
      }
      return Tensor(logits.flatMap { Array(repeating: $0, count: heads.keyWidth) })
    case "g_lora.lora.2.weight":
      return drawn.float32 * 0.1 + 2 / Double(drawn.dim(1))
    default: return nil
    }
  }
}
