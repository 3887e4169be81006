import JetKernels
public import JetTensor

/// The gated MLP: `down(silu(gate(x)) · up(x))`.
public struct MLP {
  /// The projections to gate and up, merged: `[2F, D]`.
  public let gateAndUp: Linear
  /// `[D, F]`.
  public let down: Linear

  init(_ configuration: ModelConfiguration, _ path: ParameterPath) throws {
    let (width, inner) = (configuration.width, configuration.mlpWidth)
    let deviation = configuration.initializerDeviation
    gateAndUp = try Linear(
      width, toEach: [("gate_proj", inner), ("up_proj", inner)], deviation: deviation, path)
    down = try Linear(inner, to: width, deviation: deviation, path / "down_proj")
  }

  /// `[…, D]` to `[…, D]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { down(swiGLU(gateAndUp(x))) }
}
