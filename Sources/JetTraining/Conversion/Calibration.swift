public import JetModels
import JetTensor

extension Conversion {
  /// Brings the gates and scales of a student's linear mixers near the teacher on some tokens.
  ///
  /// Two things, layer by layer, with the teacher's hidden states: `g_proj` begins along the mean input of the mixer,
  /// so that the gate is open and alike for all tokens instead of noise around 0; and `o_proj` is scaled by the factor
  /// that is best by least squares, `⟨student, teacher⟩ / ⟨student, student⟩`. Of Mamba2 these are the gate's rows of
  /// `in_proj` and `out_proj`; RWKV7's gate begins open.
  ///
  /// - Parameters:
  ///   - student: made by ``student(of:mixers:dtype:seed:)``; changed in place.
  ///   - teacher: the model that it was made of.
  ///   - batch: some thousand tokens of text.
  /// - Returns: the relative error of each layer that was calibrated, before training.
  public static func calibrate(
    _ student: HybridModel, to teacher: HybridModel, on batch: PackedBatch
  ) -> [Int: Double] {
    withoutGradients {
      let own = Dictionary(
        student.parameters.parameters.map { ($0.name, $0.tensor) },
        uniquingKeysWith: { a, _ in a })
      let (from, to) = (LayerWalk(teacher, batch.input), LayerWalk(student, batch.input))
      var errors: [Int: Double] = [:]
      var x = from.embedded
      for layer in student.layers.indices {
        let wanted = from.mixed(x, layer: layer)
        let prefix = "model.layers.\(layer).self_attn."
        let isNew =
          student.configuration.mixers[layer] != teacher.configuration.mixers[layer]
        if isNew,
          let output = own[prefix + "o_proj.weight"] ?? own[prefix + "out_proj.weight"]
        {
          let input = x.to(student.dtype)
          if let gate = gate(of: student.configuration.mixers[layer], { own[prefix + $0] }) {
            openGate(gate, along: student.layers[layer].mixerNorm(input).float32.mean([0, 1]))
          }
          let given = to.mixed(input, layer: layer).float32
          let target = wanted.float32
          let power = (given * given).sum().item(as: Double.self)
          let factor = (given * target).sum().item(as: Double.self) / max(power, 1e-30)
          // A factor near or below zero says that the start is no better than nothing.
          let bounded = max(factor, 0.01)
          output.assign(output.float32 * bounded)
          let difference = given * bounded - target
          errors[layer] =
            ((difference * difference).sum() / (target * target).sum()).item(as: Double.self)
        }
        x = from.completed(x, mixed: wanted, layer: layer)
      }
      return errors
    }
  }

  /// The weights of a mixer's gate by silu, `[H·V, D]`; nil where it has none.
  private static func gate(
    of mixer: MixerConfiguration, _ parameter: (String) -> Tensor?
  ) -> Tensor? {
    if case .mamba2(let mamba) = mixer {
      return parameter("in_proj.weight")?.slice(0..<mamba.heads * mamba.valueWidth, dim: 0)
    }
    return parameter("g_proj.weight")
  }

  /// Makes `W x` about 2 for an input at the mean, where silu is nearly linear and open.
  private static func openGate(_ weight: Tensor, along mean: Tensor) {
    let squared = (mean * mean).sum().item(as: Double.self)
    guard squared > 1e-12 else { return }
    let row = mean * (2 / squared)
    // A tenth of what was drawn stays, so that channels can part.
    weight.assign(weight.float32 * 0.1 + row.unsqueezed(0))
  }
}
