import JetModels

// The settings of the linear mixers that the search chooses from, each reader beside its writer.

extension ConfigurationReader {
  func deltaNet() throws -> DeltaNetConfiguration {
    let (keyWidth, valueWidth) = try widths()
    return DeltaNetConfiguration(
      heads: try heads(), keyWidth: keyWidth, valueWidth: valueWidth,
      kernelSize: try integer("conv_size") ?? 4, normEps: try positive("norm_eps") ?? 1e-5)
  }

  func gla() throws -> GLAConfiguration {
    let (keyWidth, valueWidth) = try widths()
    return GLAConfiguration(
      heads: try heads(), keyWidth: keyWidth, valueWidth: valueWidth,
      decayRank: try integer("gate_low_rank_dim") ?? 16,
      decayDivisor: try positive("gate_logit_normalizer") ?? 16,
      normEps: try positive("norm_eps") ?? 1e-5)
  }

  func retNet() throws -> RetNetConfiguration {
    let (keyWidth, valueWidth) = try widths()
    return RetNetConfiguration(
      heads: try heads(), keyWidth: keyWidth, valueWidth: valueWidth,
      rotaryTheta: try positive("rope_theta") ?? 10_000, normEps: try positive("norm_eps") ?? 1e-5)
  }

  func mamba2() throws -> Mamba2Configuration {
    Mamba2Configuration(
      heads: try heads(), keyWidth: try required("state_size", integer("state_size")),
      valueWidth: try required("head_dim", integer("head_dim")),
      groups: try integer("n_groups") ?? 1, kernelSize: try integer("conv_kernel") ?? 4,
      normEps: try positive("norm_eps") ?? 1e-5)
  }

  func rwkv7() throws -> RWKV7Configuration {
    let (keyWidth, valueWidth) = try widths()
    return RWKV7Configuration(
      heads: try heads(), keyWidth: keyWidth, valueWidth: valueWidth,
      width: try required("hidden_size", integer("hidden_size")),
      decayRank: try integer("decay_low_rank_dim"), rateRank: try integer("a_low_rank_dim"),
      gateRank: try integer("gate_low_rank_dim"), normEps: try positive("norm_eps") ?? 1e-5)
  }

  private func heads() throws -> Int { try required("num_heads", integer("num_heads")) }
}

extension DeltaNetConfiguration {
  var settings: [(String, JSONText)] {
    widthSettings + [("conv_size", .integer(kernelSize)), ("norm_eps", .number(normEps))]
  }
}

extension GLAConfiguration {
  var settings: [(String, JSONText)] {
    widthSettings + [
      ("gate_logit_normalizer", .number(decayDivisor)), ("gate_low_rank_dim", .integer(decayRank)),
      ("norm_eps", .number(normEps)),
    ]
  }
}

extension RetNetConfiguration {
  var settings: [(String, JSONText)] {
    widthSettings + [("norm_eps", .number(normEps)), ("rope_theta", .number(rotaryTheta))]
  }
}

extension Mamba2Configuration {
  var settings: [(String, JSONText)] {
    [
      ("conv_kernel", .integer(kernelSize)), ("head_dim", .integer(valueWidth)),
      ("n_groups", .integer(groups)), ("norm_eps", .number(normEps)),
      ("num_heads", .integer(heads)), ("state_size", .integer(keyWidth)),
    ]
  }
}

extension RWKV7Configuration {
  var settings: [(String, JSONText)] {
    widthSettings + [
      ("a_low_rank_dim", .integer(rateRank)), ("decay_low_rank_dim", .integer(decayRank)),
      ("gate_low_rank_dim", .integer(gateRank)), ("hidden_size", .integer(width)),
      ("norm_eps", .number(normEps)),
    ]
  }
}

extension LinearMixerConfiguration {
  /// Heads and widths, the value's as a multiple of the key's.
  fileprivate var widthSettings: [(String, JSONText)] {
    let sizes = stateSizes
    let expansion = MixerConfiguration.expansion(sizes.keyWidth, sizes.valueWidth)
    return [
      ("expand_v", .number(expansion)), ("head_dim", .integer(sizes.keyWidth)),
      ("num_heads", .integer(sizes.heads)),
    ]
  }
}
