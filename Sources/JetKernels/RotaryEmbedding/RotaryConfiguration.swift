import Foundation

/// How positions become angles: a base and a way of stretching beyond the trained length.
public struct RotaryConfiguration: Codable, Hashable, Sendable {
  /// How the frequencies are changed for longer contexts.
  public enum Scaling: Codable, Hashable, Sendable {
    /// As trained.
    case none
    /// Positions divided by `factor`.
    case linear(factor: Double)
    /// The base grows with the length once it passes `originalPositions`.
    case dynamic(factor: Double, originalPositions: Int)
    /// Low frequencies interpolated, high ones kept, a ramp between; Peng et al. 2023,
    /// [arXiv:2309.00071](https://arxiv.org/abs/2309.00071).
    case yarn(
      factor: Double, originalPositions: Int, betaFast: Double, betaSlow: Double,
      attentionFactor: Double?)
    /// The ramp of Llama 3.1, over wavelengths.
    case llama3(
      factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
      originalPositions: Int)
  }

  /// The base of the geometric series of frequencies.
  public var theta: Double
  /// How the frequencies are changed for longer contexts.
  public var scaling: Scaling

  /// A configuration with the given base.
  public init(theta: Double, scaling: Scaling = .none) {
    self.theta = theta
    self.scaling = scaling
  }

  /// Whether the angles of a sequence depend on its length.
  public var growsWithLength: Bool {
    if case .dynamic = scaling { true } else { false }
  }

  /// Radians a position for each pair of channels, and the factor of cosines and sines.
  ///
  /// - Parameters:
  ///   - headWidth: channels of a head, even.
  ///   - length: positions of the sequence so far; only ``Scaling/dynamic(factor:originalPositions:)`` asks.
  /// - Source: the formulas are those of Hugging Face transformers, `modeling_rope_utils.py`.
  public func frequencies(headWidth: Int, length: Int) -> (radians: [Float], magnitude: Float) {
    let count = headWidth / 2
    func series(_ base: Double) -> [Double] {
      (0..<count).map { 1 / pow(base, Double(2 * $0) / Double(headWidth)) }
    }
    let plain = series(theta)
    switch scaling {
    case .none:
      return (plain.map(Float.init), 1)
    case .linear(let factor):
      return (plain.map { Float($0 / factor) }, 1)
    case .dynamic(let factor, let original):
      guard length > original else { return (plain.map(Float.init), 1) }
      let growth = factor * Double(length) / Double(original) - (factor - 1)
      let width = Double(headWidth)
      return (series(theta * pow(growth, width / (width - 2))).map(Float.init), 1)
    case .yarn(let factor, let original, let fast, let slow, let attention):
      let ramp = yarnRamp(headWidth: headWidth, original: original, fast: fast, slow: slow)
      let mixed = zip(plain, ramp).map { Float($0 / factor * $1 + $0 * (1 - $1)) }
      let magnitude = attention ?? (factor <= 1 ? 1 : 0.1 * log(factor) + 1)
      return (mixed, Float(magnitude))
    case .llama3(let factor, let low, let high, let original):
      return (plain.map { Float(llama3($0, factor, low, high, Double(original))) }, 1)
    }
  }

  /// 0 where a frequency is kept, 1 where it is interpolated.
  private func yarnRamp(headWidth: Int, original: Int, fast: Double, slow: Double) -> [Double] {
    func channel(rotations: Double) -> Double {
      Double(headWidth) * log(Double(original) / (rotations * 2 * .pi)) / (2 * log(theta))
    }
    let low = max(0, floor(channel(rotations: fast)))
    var high = min(Double(headWidth - 1), ceil(channel(rotations: slow)))
    if high == low { high += 0.001 }
    return (0..<headWidth / 2).map { min(1, max(0, (Double($0) - low) / (high - low))) }
  }

  private func llama3(
    _ frequency: Double, _ factor: Double, _ low: Double, _ high: Double, _ original: Double
  ) -> Double {
    let wavelength = 2 * Double.pi / frequency
    if wavelength < original / high { return frequency }
    if wavelength > original / low { return frequency / factor }
    let smooth = (original / wavelength - low) / (high - low)
    return (1 - smooth) * frequency / factor + smooth * frequency
  }
}
