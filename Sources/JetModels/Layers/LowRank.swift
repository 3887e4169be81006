import JetTensor

/// A linear map through a narrow middle: `W₂ f(W₁ x) + b`.
public struct LowRank {
  /// `[R, in]`.
  public let down: Linear
  /// `[out, R]`.
  public let up: Linear

  /// The map of rank `rank`, its two parts at the paths `down` and `up`.
  init(
    _ inputs: Int, through rank: Int, to outputs: Int, bias: Initializer?, deviation: Double,
    down: ParameterPath, up: ParameterPath
  ) throws {
    self.down = try Linear(inputs, to: rank, deviation: deviation, down)
    self.up = try Linear(rank, to: outputs, bias: bias, deviation: deviation, up)
  }

  /// `[…, in]` to `[…, out]`, with `activation` in the middle and both parts applied by `product`.
  func callAsFunction(
    _ x: Tensor, activation: (Tensor) -> Tensor = { $0 },
    by product: (Linear, Tensor) -> Tensor = { $0($1) }
  ) -> Tensor {
    product(up, activation(product(down, x)))
  }
}
