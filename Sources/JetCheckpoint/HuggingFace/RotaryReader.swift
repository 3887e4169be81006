import JetKernels
import JetModels

extension ConfigurationReader {
  /// How positions become angles, from `rope_theta` with `rope_scaling`, or from `rope_parameters`, which
  /// transformers 5 writes instead.
  ///
  /// - Parameter positions: `max_position_embeddings`.
  func rotary(positions: Int) throws -> RotaryConfiguration {
    let (scaling, parameters) = (try object("rope_scaling"), try object("rope_parameters"))
    if scaling != nil, parameters != nil {
      throw CheckpointError(
        "\(file) sets both rope_scaling and rope_parameters; remove the one that is not meant")
    }
    let nested = scaling ?? parameters
    let (outer, inner) = (try double("rope_theta"), try nested?.double("rope_theta"))
    if let outer, let inner, outer != inner {
      throw CheckpointError(
        "\(file) sets rope_theta to \(outer) and again to \(inner); remove the one that is not meant"
      )
    }
    return RotaryConfiguration(
      theta: outer ?? inner ?? 10_000, scaling: try nested?.scaling(positions: positions) ?? .none)
  }

  private func scaling(positions: Int) throws -> RotaryConfiguration.Scaling {
    let (current, former) = (try string("rope_type"), try string("type"))
    let original = try integer("original_max_position_embeddings")
    try expect(
      "partial_rotary_factor", double("partial_rotary_factor").map { $0 == 1 },
      "fully rotated heads")
    func number(_ key: String) throws -> Double { try required(key, positive(key)) }
    let result: RotaryConfiguration.Scaling
    switch current ?? former ?? "default" {
    case "default": result = .none
    case "linear": result = .linear(factor: try number("factor"))
    case "dynamic":
      // transformers counts from max_position_embeddings, whatever else is named.
      try expect(
        "original_max_position_embeddings", original.map { $0 == positions },
        "dynamic scaling from max_position_embeddings, which is \(positions),")
      result = .dynamic(factor: try number("factor"), originalPositions: positions)
    case "yarn":
      try expect("truncate", bool("truncate"), "the ramp between whole channels")
      // `factor` counts, as in transformers 5; some releases of 4 took the quotient of the two lengths instead, which
      // is 1 for Qwen2.5's own settings.
      result = .yarn(
        factor: try number("factor"), originalPositions: original ?? positions,
        betaFast: try positive("beta_fast") ?? 32, betaSlow: try positive("beta_slow") ?? 1,
        attentionFactor: try positive("attention_factor"))
    case "llama3":
      result = .llama3(
        factor: try number("factor"), lowFrequencyFactor: try number("low_freq_factor"),
        highFrequencyFactor: try number("high_freq_factor"),
        originalPositions: try required("original_max_position_embeddings", original))
    case let kind:
      throw CheckpointError(
        "\(file) scales positions by \(shown(kind)); Jet knows default, linear, dynamic, yarn and "
          + "llama3")
    }
    try finish()
    return result
  }
}

extension RotaryConfiguration {
  /// Refuses numbers for which the formulas have no value.
  func validate(readFrom file: String, mixers: [MixerConfiguration]) throws {
    func expect(_ isAccepted: Bool, _ found: String, _ expected: String) throws {
      guard isAccepted else {
        throw CheckpointError("\(file) scales positions with \(found); expected \(expected)")
      }
    }
    func expect(originalPositions: Int) throws {
      try expect(
        (1...1_073_741_824).contains(originalPositions), "\(originalPositions) original positions",
        "at least 1")
    }
    switch scaling {
    case .none, .linear: break
    case .dynamic(_, let original):
      try expect(originalPositions: original)
      let isNarrow = mixers.contains {
        if case .attention(let attention) = $0 { attention.headWidth < 4 } else { false }
      }
      try expect(!isNarrow, "the dynamic rule in heads of 2 channels", "at least 4 channels")
    case .yarn(_, let original, let fast, let slow, _):
      try expect(originalPositions: original)
      try expect(
        fast > slow, "beta_fast \(fast) and beta_slow \(slow)", "beta_fast above beta_slow")
    case .llama3(_, let low, let high, let original):
      try expect(originalPositions: original)
      try expect(
        high > low, "low_freq_factor \(low) and high_freq_factor \(high)",
        "high_freq_factor above low_freq_factor")
    }
  }
}
