import Foundation
public import JetModels
public import JetTensor

/// Makes hybrid students out of teachers.
public enum Conversion {
  /// A model of the teacher's shape and weights with other mixers in some layers.
  ///
  /// Parameters that both have are copied. A linear mixer takes the teacher's Q, K, V and O by ``HeadMapping``'s rules,
  /// its convolutions begin as the identity, its heads keep from 8 to 2,048 tokens; what a mixer has beside these begins
  /// as the model draws it from the seed. The work is by the names of parameters: a mixer whose names differ begins as
  /// it is drawn.
  ///
  /// - Parameters:
  ///   - teacher: any model of attention, or a hybrid.
  ///   - mixers: one for each layer; the teacher's own where a layer stays as it is.
  ///   - dtype: the type of the student's weights; the teacher's when nil.
  ///   - seed: draws what does not come from the teacher.
  /// - Throws: ``TrainingError`` when the mixers do not fit the teacher, `ModelError` for an impossible mixer.
  public static func student(
    of teacher: HybridModel, mixers: [MixerConfiguration], dtype: DType? = nil, seed: UInt64
  ) throws -> HybridModel {
    var configuration = teacher.configuration
    guard mixers.count == configuration.mixers.count else {
      throw TrainingError(
        "\(mixers.count) mixers were given for a teacher of \(configuration.mixers.count) layers; "
          + "give one for each layer")
    }
    configuration.mixers = mixers
    let store = ParameterStore(
      source: nil, dtype: dtype ?? teacher.dtype, device: teacher.embedding.device, seed: seed)
    let student = try HybridModel(configuration, parameters: store)
    let own = Dictionary(
      teacher.parameters.parameters.map { ($0.name, $0.tensor) }, uniquingKeysWith: { a, _ in a })
    withoutGradients {
      for parameter in store.parameters {
        let layer = Self.layer(of: parameter.name)
        let isNew = layer.map { mixers[$0] != teacher.configuration.mixers[$0] } ?? false
        let isMixer = isNew && parameter.name.contains(".self_attn.")
        if !isMixer, let source = own[parameter.name] {
          precondition(
            source.shape == parameter.tensor.shape, "\(parameter.name) has two shapes")
          parameter.tensor.assign(source)
        } else if let layer, isMixer {
          begin(parameter, layer, teacher: teacher, mixers[layer], own)
        }
      }
    }
    return student
  }

  /// The mixers of a model that keeps attention in some layers and has `mixer` in all others.
  public static func placement(
    _ configuration: ModelConfiguration, keeping attention: Set<Int>, mixer: MixerConfiguration
  ) -> [MixerConfiguration] {
    configuration.mixers.enumerated().map { attention.contains($0) ? $1 : mixer }
  }

  private static func layer(of name: String) -> Int? {
    let parts = name.split(separator: ".")
    return parts.count > 2 && parts[1] == "layers" ? Int(parts[2]) : nil
  }

  /// Gives a parameter of a linear mixer its first value.
  private static func begin(
    _ parameter: Parameter, _ layer: Int, teacher: HybridModel, _ mixer: MixerConfiguration,
    _ own: [String: Tensor]
  ) {
    let marker = ".self_attn."
    guard let place = parameter.name.range(of: marker), let heads = mixer.linearHeads else {
      return
    }
    let (name, tensor) = (String(parameter.name[place.upperBound...]), parameter.tensor)
    if let value = prior(name, tensor, heads) { return tensor.assign(value) }
    guard let attention = teacher.configuration.mixers[layer].attentionHeads,
      let source = own[parameter.name]?.float32
    else { return }
    let mapping = HeadMapping(teacher: attention, student: heads)
    switch name {
    case "q_proj.weight": tensor.assign(mapping.query(source, initial: tensor.float32))
    case "k_proj.weight": tensor.assign(mapping.key(source, initial: tensor.float32))
    case "v_proj.weight": tensor.assign(mapping.value(source, initial: tensor.float32))
    case "o_proj.weight": tensor.assign(mapping.output(source))
    default: break
    }
  }

  /// What a parameter begins as whatever the teacher is; nil for what the model has drawn.
  private static func prior(_ name: String, _ tensor: Tensor, _ heads: LinearHeads) -> Tensor? {
    switch name {
    case "q_conv1d.weight", "k_conv1d.weight", "v_conv1d.weight":
      return lastTap(tensor.shape)
    case "dynamic_conv1d.kernel_generator.w2.bias":
      // Taps lie side by side; the noise stays on all of them.
      let channels = heads.heads * heads.valueWidth
      let identity = lastTap([channels, tensor.count / channels]).reshaped(tensor.shape)
      return tensor.float32 + identity.to(tensor.device)
    case "A_log": return Tensor.zeros(tensor.shape)
    case "dt_bias": return stepBias(count: tensor.count)
    default: return nil
    }
  }

  /// Kernels that pass the token itself, `[…, taps]`.
  private static func lastTap(_ shape: [Int]) -> Tensor {
    let kernel = Tensor.zeros(shape)
    let taps = shape[shape.count - 1]
    kernel.slice(taps - 1..<taps, dim: -1).fill(1)
    return kernel
  }

  /// `softplus⁻¹(1/n)` with `n`, the tokens that a head keeps at rate 1, spread evenly in logarithm.
  private static func stepBias(count: Int) -> Tensor {
    let (low, high) = (Foundation.log(8.0), Foundation.log(2048.0))
    return Tensor(
      (0..<count).map { head in
        let part = count == 1 ? 0.5 : Double(head) / Double(count - 1)
        let step = Foundation.exp(-(low + (high - low) * part))
        return Float(Foundation.log(Foundation.expm1(step)))
      })
  }
}
