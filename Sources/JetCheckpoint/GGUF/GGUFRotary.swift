import JetFormats
import JetKernels
import JetModels

extension GGUFKeyReader {
  /// How the file stretches positions by its metadata.
  ///
  /// - Parameter positions: `context_length`.
  func scaling(positions: Int) throws -> RotaryConfiguration.Scaling {
    let kind = try string("rope.scaling.type")
    let original = try integer("rope.scaling.original_context_length") ?? positions
    let factor = try positive("rope.scaling.factor") ?? positive("rope.scale_linear")
    let (fast, slow) = (
      try positive("rope.scaling.yarn_beta_fast") ?? 32,
      try positive("rope.scaling.yarn_beta_slow") ?? 1
    )
    for key in ["attn_factor", "yarn_ext_factor", "yarn_attn_factor"] {
      let name = "rope.scaling.\(key)"
      try expect(name, double(name).map { $0 == 1 }, "the formulas with \(key) 1")
    }
    switch kind ?? (factor == nil ? "none" : "linear") {
    case "none": return .none
    case "linear":
      return .linear(factor: try required("rope.scaling.factor") { _ in factor })
    case "yarn":
      return .yarn(
        factor: try required("rope.scaling.factor") { _ in factor }, originalPositions: original,
        betaFast: fast, betaSlow: slow, attentionFactor: nil)
    case let other:
      throw CheckpointError(
        "\(file.path) scales positions by \(shown(other)); Jet knows none, linear and yarn in GGUF "
          + "files")
    }
  }

  /// The divisor of each frequency; nil when the file has none.
  func frequencyFactors() throws -> [Float]? {
    guard let tensor = file[GGUFNames.factors] else { return nil }
    var factors = [Float](repeating: 0, count: min(tensor.entry.elementCount, 1 << 16))
    guard tensor.entry.shape == [factors.count] else {
      throw CheckpointError(
        "\(file.path): tensor \(GGUFNames.factors) has the shape \(tensor.entry.shape); expected "
          + "one number for each frequency")
    }
    try factors.withUnsafeMutableBufferPointer { try tensor.read(into: $0) }
    return factors
  }
}

extension RotaryConfiguration {
  /// This configuration with the frequencies divided by `factors`.
  ///
  /// The factors of Llama 3.1 to 3.3 are the values of a formula whose parameters the file does not name; they are
  /// found again, so that the model can be saved under them.
  func with(_ factors: [Float], headWidth: Int, file: String) throws -> RotaryConfiguration {
    if factors.allSatisfy({ $0 == 1 }) { return self }
    let largest = Double(factors.max() ?? 0)
    if scaling == .none, factors.count == headWidth / 2, largest >= 1, largest <= 1e6 {
      var found = self
      found.scaling = .llama3(
        factor: largest, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192)
      let plain = frequencies(headWidth: headWidth, length: 1).radians
      let scaled = found.frequencies(headWidth: headWidth, length: 1).radians
      let fits = zip(factors, zip(plain, scaled)).allSatisfy { factor, frequencies in
        abs(frequencies.0 / frequencies.1 - factor) <= 1e-4 * factor
      }
      if fits { return found }
    }
    throw CheckpointError(
      "\(file) divides its frequencies by the \(factors.count) numbers of \(GGUFNames.factors), which "
        + "are not those of Llama 3's rule; Jet knows that rule only")
  }
}
