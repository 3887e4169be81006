import JetCheckpoint
import JetInference
import JetModels
import JetTensor

extension Checkpoint {
  /// The model with its weights read, once it is known to fit with a state of `context` tokens.
  ///
  /// - Throws: ``CommandError`` when memory is short, and what reading the weights throws.
  func model(_ runtime: RuntimeOptions, context: Int) throws -> HybridModel {
    let dtype = runtime.dtype?.dtype ?? defaultDType
    let state = configuration.stateBytes(
      context: min(context, configuration.maximumPositions), dtype: dtype)
    try SystemMemory.require(
      configuration.parameterCount * dtype.byteCount + state.growing + state.fixed,
      for: "\(path) with room for \(Numbers.grouped(context)) tokens", on: runtime.device)
    return try withTorchErrors { try model(dtype: dtype, device: runtime.device) }
  }
}
