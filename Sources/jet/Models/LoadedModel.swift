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
  ///
  /// - Parameter kept: bytes of further states, from those of one without keys and values that grow.
  func model(
    _ runtime: RuntimeOptions, contexts: [Int], kept: (_ stateBytes: Int) -> Int = { _ in 0 }
  ) throws -> HybridModel {
    let dtype = runtime.dtype?.dtype ?? defaultDType
    let keptBytes = kept(configuration.stateBytes(context: 0, dtype: dtype).fixed)
    let weights = configuration.parameterCount * dtype.byteCount
    let bytes = contexts.reduce(weights + keptBytes) { sum, context in
      let state = configuration.stateBytes(
        context: min(context, configuration.maximumPositions), dtype: dtype)
      return sum + state.growing + state.fixed
    }
    var room = "\(Numbers.grouped(contexts.reduce(0, +))) tokens"
    if keptBytes > 0 { room += " and \(Numbers.bytes(keptBytes)) of shared beginnings" }
    try SystemMemory.require(bytes, for: "\(path) with room for \(room)", on: runtime.device)
    return try withTorchErrors { try model(dtype: dtype, device: runtime.device) }
  }
}
