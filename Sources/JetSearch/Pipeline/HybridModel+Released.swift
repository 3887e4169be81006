import JetModels
import JetTensor

extension HybridModel {
  /// The same function under the names of the released code, whose attention has biases: zero where this has none.
  ///
  /// - Throws: `ModelError` for a model that cannot be built so.
  func released() throws -> HybridModel {
    var configuration = configuration
    configuration.family = .jetNemotron
    configuration.mixers = configuration.mixers.map { mixer in
      guard case .attention(var attention) = mixer else { return mixer }
      attention.hasBias = true
      return .attention(attention)
    }
    return try withTorchErrors {
      let store = ParameterStore(source: nil, dtype: dtype, device: embedding.device, seed: 0)
      let model = try HybridModel(configuration, parameters: store)
      let own = Dictionary(
        parameters.parameters.map { ($0.name, $0.tensor) }, uniquingKeysWith: { a, _ in a })
      withoutGradients {
        for parameter in store.parameters {
          if let source = own[parameter.name] {
            parameter.tensor.detached().assign(source.detached())
          } else {
            parameter.tensor.detached().fill(0)
          }
        }
      }
      return model
    }
  }
}
