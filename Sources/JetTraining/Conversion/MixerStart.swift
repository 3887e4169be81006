import JetModels
import JetTensor

/// What the parameters of a new linear mixer begin as: the teacher's projections and priors, by the names of its kind.
struct MixerStart {
  let mixer: MixerConfiguration
  let heads: LinearHeads
  /// The teacher's attention in the same layer; nil where it has a linear mixer.
  let attention: AttentionConfiguration?
  /// A parameter of the teacher's mixer by its name in the layer, float32.
  let teacher: (String) -> Tensor?

  /// The value of the parameter `name`, of which `drawn` holds what the model has drawn; nil to keep that.
  func value(_ name: String, drawn: Tensor) -> Tensor? {
    if case .mamba2(let mamba) = mixer { return mamba2(mamba, name, drawn) }
    if let prior = prior(name, drawn) { return prior }
    if case .rwkv7 = mixer, let prior = rwkv7Prior(name, drawn) { return prior }
    switch name {
    case "q_proj.weight", "r_proj.weight":
      return mapped("q_proj.weight") { $0.query($1, initial: drawn.float32) }
    case "k_proj.weight":
      return mapped(name) { $0.key($1, initial: drawn.float32) }
    case "v_proj.weight": return mapped(name) { $0.value($1, initial: drawn.float32) }
    case "o_proj.weight": return mapped(name) { $0.output($1) }
    default: return nil
    }
  }

  /// A parameter of the teacher's attention, made fit for some heads of the student: all of them by default.
  func mapped(
    _ name: String, to student: LinearHeads? = nil, _ body: (HeadMapping, Tensor) -> Tensor
  ) -> Tensor? {
    guard let attention, let source = teacher(name) else { return nil }
    return body(HeadMapping(teacher: attention, student: student ?? heads), source)
  }

  /// What a parameter begins as whatever the teacher is.
  private func prior(_ name: String, _ drawn: Tensor) -> Tensor? {
    switch name {
    case "q_conv1d.weight", "k_conv1d.weight", "v_conv1d.weight":
      return MixerPrior.lastTap(drawn.shape)
    case "dynamic_conv1d.kernel_generator.w2.bias":
      // Taps lie side by side; the noise stays on all of them.
      let channels = heads.heads * heads.valueWidth
      let identity = MixerPrior.lastTap([channels, drawn.count / channels]).reshaped(drawn.shape)
      return drawn.float32 + identity.to(drawn.device)
    case "A_log": return Tensor.zeros(drawn.shape)
    case "dt_bias": return MixerPrior.stepBias(count: drawn.count)
    default: return nil
    }
  }
}
