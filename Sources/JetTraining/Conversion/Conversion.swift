import Foundation
public import JetModels
public import JetTensor

/// Makes hybrid students out of teachers.
public enum Conversion {
  /// A model of the teacher's shape and weights with other mixers in some layers.
  ///
  /// Parameters that both have are copied. A linear mixer takes the teacher's Q, K, V and O by ``HeadMapping``'s rules
  /// (Mamba2 as C, B, inputs and output, RWKV7 with Q as its receptance), its convolutions begin as the identity, its
  /// heads keep from 8 to 2,048 tokens; what a mixer has beside these begins as the model draws it from the seed.
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
    guard let place = parameter.name.range(of: ".self_attn."), let heads = mixer.linearHeads else {
      return
    }
    let prefix = parameter.name[..<place.upperBound]
    let start = MixerStart(
      mixer: mixer, heads: heads, attention: teacher.configuration.mixers[layer].attentionHeads
    ) { own[prefix + $0]?.float32 }
    let name = String(parameter.name[place.upperBound...])
    if let value = start.value(name, drawn: parameter.tensor) { parameter.tensor.assign(value) }
  }
}
