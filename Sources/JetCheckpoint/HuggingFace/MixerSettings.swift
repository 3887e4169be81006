import JetModels

// What `efficient_attention_config` says of each kind of mixer, read and written side by side. The keys of `jet` and
// `swa` are the released code's, those of the others are named after the arguments of upstream's layers. What only Jet
// has, a JetBlock of another form than the released one, has keys of its own, which are written where they are needed.

extension ConfigurationReader {
  /// What reads the settings of a kind; it is given the model's attention, which windows share.
  static let mixerReaders:
    [String: @Sendable (ConfigurationReader, AttentionConfiguration) throws -> MixerConfiguration] =
      [
        "swa": { settings, attention in
          var windowed = attention
          windowed.window = try settings.required(
            "window_size", settings.integer("window_size"))
          return .attention(windowed)
        },
        "jet": { settings, _ in .jet(try settings.jetBlock()) },
        "gated_deltanet": { settings, _ in .gatedDeltaNet(try settings.gatedDeltaNet()) },
        "deltanet": { settings, _ in .deltaNet(try settings.deltaNet()) },
        "gla": { settings, _ in .gla(try settings.gla()) },
        "retnet": { settings, _ in .retNet(try settings.retNet()) },
        "mamba2": { settings, _ in .mamba2(try settings.mamba2()) },
        "rwkv7": { settings, _ in .rwkv7(try settings.rwkv7()) },
      ]

  private func jetBlock() throws -> JetBlockConfiguration {
    let reduction = try integer("dconv_generator_reduction") ?? 8
    guard reduction > 0 else {
      throw CheckpointError(
        "\(file) sets dconv_generator_reduction to \(reduction); expected at least 1")
    }
    let (keyWidth, valueWidth) = try widths()
    // How the released code runs the same mathematics.
    ignore(["mode", "dconv_implementation", "autotune_interval"])
    return JetBlockConfiguration(
      heads: try required("num_heads", integer("num_heads")), keyWidth: keyWidth,
      valueWidth: valueWidth, kernelSize: try integer("conv_size") ?? 4,
      generatorReduction: reduction, kernels: try choice("conv_kernels") ?? .dynamic,
      convolved: try choice("convolved") ?? .values, normEps: try positive("norm_eps") ?? 1e-5)
  }

  private func gatedDeltaNet() throws -> GatedDeltaNetConfiguration {
    let (keyWidth, valueWidth) = try widths()
    ignore(["mode"])
    return GatedDeltaNetConfiguration(
      heads: try required("num_heads", integer("num_heads")), keyWidth: keyWidth,
      valueWidth: valueWidth, kernelSize: try integer("conv_size") ?? 4,
      normEps: try positive("norm_eps") ?? 1e-5)
  }

  /// The widths of a key and a value: the upstream code's `int(head_dim * expand_v)`.
  func widths() throws -> (key: Int, value: Int) {
    let keyWidth = try required("head_dim", integer("head_dim"))
    let expansion = try positive("expand_v") ?? 2
    guard (1...65_536).contains(keyWidth), expansion <= 1024 else {
      throw CheckpointError(
        "\(file) sets head_dim \(keyWidth) and expand_v \(expansion); expected 1 to 65536 and at "
          + "most 1024")
    }
    return (keyWidth, Int(Double(keyWidth) * expansion))
  }
}

extension ConfigurationReader {
  /// One of a few names; nil where the key is absent.
  private func choice<Value: RawRepresentable & CaseIterable>(
    _ key: String
  ) throws -> Value? where Value.RawValue == String {
    guard let name = try string(key) else { return nil }
    guard let value = Value(rawValue: name) else {
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError("\(file) sets \(key) to \(shown(name)); Jet knows \(known)")
    }
    return value
  }
}

extension JetBlockConfiguration {
  /// What the released code has no keys for.
  fileprivate var ownSettings: [(String, JSONText)] {
    isReleasedForm
      ? []
      : [("conv_kernels", .string(kernels.rawValue)), ("convolved", .string(convolved.rawValue))]
  }
}

extension MixerConfiguration {
  /// The settings of its kind; nil for full attention, which the model's own keys describe.
  var settings: JSONText? {
    switch self {
    case .attention(let attention):
      attention.window.map { .object([("window_size", .integer($0))]) }
    case .jet(let block):
      .object(
        block.ownSettings + [
          ("conv_size", .integer(block.kernelSize)),
          ("dconv_generator_reduction", .integer(block.generatorReduction)),
          ("dconv_implementation", .string("triton")),
          ("expand_v", .number(Self.expansion(block.keyWidth, block.valueWidth))),
          ("head_dim", .integer(block.keyWidth)), ("mode", .string("chunk")),
          ("norm_eps", .number(block.normEps)), ("num_heads", .integer(block.heads)),
        ])
    case .gatedDeltaNet(let layer):
      .object([
        ("conv_size", .integer(layer.kernelSize)),
        ("expand_v", .number(Self.expansion(layer.keyWidth, layer.valueWidth))),
        ("head_dim", .integer(layer.keyWidth)), ("norm_eps", .number(layer.normEps)),
        ("num_heads", .integer(layer.heads)),
      ])
    case .deltaNet(let layer): .object(layer.settings)
    case .gla(let layer): .object(layer.settings)
    case .retNet(let layer): .object(layer.settings)
    case .mamba2(let layer): .object(layer.settings)
    case .rwkv7(let layer): .object(layer.settings)
    }
  }

  /// The quotient of the widths, rounded up so that `int(head_dim * expand_v)` is the value width.
  static func expansion(_ keyWidth: Int, _ valueWidth: Int) -> Double {
    var quotient = Double(valueWidth) / Double(keyWidth)
    while Int(Double(keyWidth) * quotient) < valueWidth { quotient = quotient.nextUp }
    return quotient
  }
}
