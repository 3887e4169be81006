import JetKernels
public import JetTensor

/// The layers of a model, one at a time, over whole sequences with nothing carried: how a trainer walks it.
///
/// ```swift
/// let walk = LayerWalk(model, batch)
/// var x = walk.embedded
/// for layer in model.layers.indices {
///   x = walk.completed(x, mixed: walk.mixed(x, layer: layer), layer: layer)
/// }
/// ```
public struct LayerWalk {
  /// The model.
  public let model: HybridModel
  private let batch: TokenBatch
  private let context: ForwardContext

  /// A walk through `model` for the tokens of `batch`.
  public init(_ model: HybridModel, _ batch: TokenBatch) {
    self.model = model
    self.batch = batch
    context = ForwardContext(
      starts: Array(repeating: 0, count: batch.sequences), batch: batch,
      rotary: model.configuration.rotary)
  }

  /// What the first layer is given, `[B, T, D]`.
  public var embedded: Tensor { model.embedding.embedded(batch.tokens) }

  /// `mixer(norm(x))` of a layer, without the residual; `[B, T, D]` to `[B, T, D]`.
  public func mixed(_ x: Tensor, layer: Int) -> Tensor {
    let layer = model.layers[layer]
    var none: MixerState?
    return layer.mixer(layer.mixerNorm(x), state: &none, context)
  }

  /// The output of a layer whose input is `x` and whose mixer gave `mixed`: both residuals and the MLP.
  public func completed(_ x: Tensor, mixed: Tensor, layer: Int) -> Tensor {
    let layer = model.layers[layer]
    let (residual, normalized) = addingRMSNorm(
      x, mixed, weight: layer.mlpNorm.weight, eps: layer.mlpNorm.eps)
    return residual + layer.mlp(normalized)
  }

  /// The output of a layer whose input is `x`.
  public func output(_ x: Tensor, layer: Int) -> Tensor {
    completed(x, mixed: mixed(x, layer: layer), layer: layer)
  }
}
