internal import JetTensor

/// Runs `body` with operators of this thread keeping nothing for their gradients that these could make again.
///
/// For a pass that is run again before its gradients are asked for. The results have the same bits, and gradients are
/// right all the same; they take longer. Only
/// ``gatedDeltaRule(query:key:value:writeStrength:logDecay:memory:scale:normalizes:activates:)`` and
/// ``generatedConvolution(_:inner:weight:bias:window:counts:)`` on a GPU keep such traces. Calls do not nest.
public func withoutTraces<Result>(_ body: () throws -> Result) rethrows -> Result {
  guard CUDAKernels.isLoaded else { return try body() }
  Kernels.setTraces.run(.bool(false))
  defer { Kernels.setTraces.run(.bool(true)) }
  return try body()
}
