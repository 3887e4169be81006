import JetModels
import JetTensor

/// What a model is and what it takes, from its configuration alone.
struct ModelReport: Encodable {
  /// Consecutive layers with the same mixer.
  struct LayerGroup: Encodable, Equatable {
    let firstLayer: Int
    let lastLayer: Int
    let mixer: String
    let parametersEach: Int
  }

  let model: String
  let family: String
  let width: Int
  let mlpWidth: Int
  let vocabularySize: Int
  let maximumPositions: Int
  let tiesEmbeddings: Bool
  let layers: [LayerGroup]
  let parameters: Int
  /// Of the file; nil for a preset, which has none.
  let storedBytes: Int?
  let dtype: String
  let weightBytes: Int
  let context: Int
  let growingStateBytes: Int
  let fixedStateBytes: Int
  let stateBytesPerToken: Int

  init(
    model: String, _ configuration: ModelConfiguration, storedBytes: Int?, dtype: DType,
    context: Int
  ) {
    self.model = model
    self.storedBytes = storedBytes
    self.context = context
    self.dtype = "\(dtype)"
    family = configuration.family.rawValue
    width = configuration.width
    mlpWidth = configuration.mlpWidth
    vocabularySize = configuration.vocabularySize
    maximumPositions = configuration.maximumPositions
    tiesEmbeddings = configuration.tiesEmbeddings
    layers = Self.groups(configuration)
    parameters = configuration.parameterCount
    weightBytes = parameters * dtype.byteCount
    let state = configuration.stateBytes(context: context, dtype: dtype)
    (growingStateBytes, fixedStateBytes) = (state.growing, state.fixed)
    stateBytesPerToken = configuration.stateBytes(context: 1, dtype: dtype).growing
  }

  static func groups(_ configuration: ModelConfiguration) -> [LayerGroup] {
    var groups: [LayerGroup] = []
    var first = 0
    let mixers = configuration.mixers
    for layer in mixers.indices
    where layer + 1 == mixers.count || mixers[layer + 1] != mixers[layer] {
      groups.append(
        LayerGroup(
          firstLayer: first, lastLayer: layer, mixer: mixers[layer].sentence,
          parametersEach: configuration.layerParameterCount(mixers[layer])))
      first = layer + 1
    }
    return groups
  }

  /// Lines for people.
  var text: String {
    var lines = [
      ("model", model), ("family", family),
      (
        "shape",
        "width \(Numbers.grouped(width)), MLP \(Numbers.grouped(mlpWidth)), vocabulary "
          + "\(Numbers.grouped(vocabularySize)), embeddings \(tiesEmbeddings ? "tied" : "not tied")"
      ),
      ("positions", Numbers.grouped(maximumPositions)),
    ]
    for group in layers {
      let range =
        group.firstLayer == group.lastLayer
        ? "layer \(group.firstLayer)" : "layers \(group.firstLayer)-\(group.lastLayer)"
      lines.append((range, "\(group.mixer); \(Numbers.grouped(group.parametersEach)) parameters"))
    }
    lines.append(("parameters", Numbers.grouped(parameters)))
    if let storedBytes { lines.append(("stored", Numbers.bytes(storedBytes))) }
    lines.append(("weights", "\(Numbers.bytes(weightBytes)) as \(dtype)"))
    lines.append(
      (
        "state",
        "\(Numbers.bytes(growingStateBytes + fixedStateBytes)) at "
          + "\(Numbers.grouped(context)) tokens: \(Numbers.bytes(growingStateBytes)) that grow by "
          + "\(Numbers.bytes(stateBytesPerToken)) a token, \(Numbers.bytes(fixedStateBytes)) fixed"
      ))
    return lines.map { name, value in
      name + String(repeating: " ", count: max(1, 14 - name.count)) + value
    }.joined(separator: "\n")
  }
}

extension MixerConfiguration {
  /// The mixer in a few words.
  fileprivate var sentence: String {
    switch sort {
    case .attention(let attention):
      var text = "attention, \(attention.heads) heads of \(attention.headWidth), "
      text += "\(attention.keyValueHeads) of keys and values"
      if let window = attention.window { text += ", window \(Numbers.grouped(window))" }
      if attention.hasBias { text += ", biases" }
      if attention.normalizesQueriesAndKeys { text += ", norms of query and key" }
      return text
    case .linear(let linear):
      let sizes = linear.stateSizes
      var text = "\(type(of: linear).title), \(sizes.heads) heads, "
      text += "memory \(sizes.keyWidth) x \(sizes.valueWidth)"
      if sizes.windowTaps > 1 { text += ", convolution of \(sizes.windowTaps)" }
      return text
    }
  }
}
