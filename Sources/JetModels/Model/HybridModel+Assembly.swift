import JetTensor

/// The mixer of a layer, taken from a model that exists.
public struct MixerSource {
  /// The model whose layer at the same place has the mixer.
  public var model: HybridModel
  /// What the mixer is to be; nil for what it is. Attention may get another window, and nothing else may change.
  public var configuration: MixerConfiguration?

  /// The mixer of `model`, as it is or as `configuration` says.
  public init(_ model: HybridModel, as configuration: MixerConfiguration? = nil) {
    self.model = model
    self.configuration = configuration
  }
}

extension HybridModel {
  /// A model of which all but the mixers is that of `base`, and each mixer that of some model.
  ///
  /// All tensors are shared: nothing is copied, and what is trained in one of the models is trained in this one. The
  /// parameters have the names that such a model gives its own.
  ///
  /// ```swift
  /// let sources = base.layers.indices.map { MixerSource($0 == 7 ? teacher : student) }
  /// let model = try HybridModel.assembled(base: base, mixers: sources)
  /// ```
  ///
  /// - Parameters:
  ///   - base: gives embedding, norms, MLPs and head.
  ///   - mixers: one for each layer.
  /// - Throws: ``ModelError`` when the models differ in width, layers, type or device, or a mixer cannot be what is asked.
  public static func assembled(base: HybridModel, mixers: [MixerSource]) throws -> HybridModel {
    guard mixers.count == base.layers.count else {
      throw ModelError(
        "\(mixers.count) mixers were given for \(base.layers.count) layers; give one for each")
    }
    let parameters = ParameterStore(like: base.parameters)
    var configuration = base.configuration
    var layers: [HybridLayer] = []
    for (index, source) in mixers.enumerated() {
      try source.expectFit(base)
      let (mixer, own) = try source.mixer(layer: index)
      layers.append(HybridLayer(base.layers[index], mixer: mixer))
      configuration.mixers[index] = own
    }
    var placed: Set<Int> = []
    for (index, names) in base.parameters.leafNames.enumerated() {
      guard let layer = mixerLayer(of: names[0]) else {
        parameters.share(base.parameters, leaves: [index])
        continue
      }
      // All of the new mixer stands where the old one began.
      guard placed.insert(layer).inserted else { continue }
      let lender = mixers[layer].model.parameters
      parameters.share(lender, leaves: lender.leaves(prefix: mixerPrefix(layer)))
    }
    return HybridModel(base, configuration, parameters, layers)
  }

  /// What the names of a layer's mixer begin with.
  private static func mixerPrefix(_ layer: Int) -> String { "model.layers.\(layer).self_attn." }

  /// The layer of whose mixer a parameter is; nil for any other parameter.
  private static func mixerLayer(of name: String) -> Int? {
    let parts = name.split(separator: ".", maxSplits: 4)
    return parts.count == 5 && parts[1] == "layers" && parts[3] == "self_attn"
      ? Int(parts[2]) : nil
  }
}

extension MixerSource {
  fileprivate func expectFit(_ base: HybridModel) throws {
    let (a, b) = (base.configuration, model.configuration)
    guard a.width == b.width, a.mixers.count == b.mixers.count, a.rotary == b.rotary,
      base.dtype == model.dtype, base.embedding.device == model.embedding.device
    else {
      throw ModelError(
        "a model of \(b.mixers.count) layers, width \(b.width), \(model.dtype) on "
          + "\(model.embedding.device) cannot lend mixers to one of \(a.mixers.count), \(a.width), "
          + "\(base.dtype) on \(base.embedding.device); they must agree, positions too")
    }
  }

  fileprivate func mixer(layer: Int) throws -> (Mixer, MixerConfiguration) {
    let (own, mixer) = (model.configuration.mixers[layer], model.layers[layer].mixer)
    guard let wanted = configuration, wanted != own else { return (mixer, own) }
    guard case .attention(let attention) = mixer, case .attention(let new) = wanted,
      attention.windowed(new.window).configuration == new
    else {
      throw ModelError(
        "the mixer of layer \(layer) is \(own.kind) and cannot become \(wanted.kind); only the window "
          + "of attention can change")
    }
    try wanted.validate()
    return (.attention(attention.windowed(new.window)), wanted)
  }
}
