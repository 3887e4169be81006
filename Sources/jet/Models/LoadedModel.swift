import JetCheckpoint
import JetInference
import JetModels
import JetTensor

extension Checkpoint {
  /// The model with its weights read, once it is known to fit with a state of `context` tokens.
  ///
  /// - Throws: ``CommandError`` when memory is short, and what reading the weights throws.
  func model(_ runtime: RuntimeOptions, context: Int) throws -> HybridModel {
    try model(runtime, contexts: [context])
  }

  /// The same for several sequences at once, a state of so many tokens each.
  func model(_ runtime: RuntimeOptions, contexts: [Int]) throws -> HybridModel {
    let dtype = runtime.dtype?.dtype ?? defaultDType
    let bytes = contexts.reduce(configuration.parameterCount * dtype.byteCount) { sum, context in
      let state = configuration.stateBytes(
        context: min(context, configuration.maximumPositions), dtype: dtype)
      return sum + state.growing + state.fixed
    }
    let room = Numbers.grouped(contexts.reduce(0, +))
    try SystemMemory.require(
      bytes, for: "\(path) with room for \(room) tokens", on: runtime.device)
    return try withTorchErrors { try model(dtype: dtype, device: runtime.device) }
  }
}
