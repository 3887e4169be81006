internal import CJetKernels
internal import JetTensor

/// When an operation may take its fast form instead of its definition.
public enum FastForm {
  /// Runs `body` with every operation taking its definition, for tests and for the search of a fault.
  public static func disabled<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $isDisabled.withValue(true, operation: body)
  }

  @TaskLocal static var isDisabled = false

  /// The instruction set that the CPU kernels run with, such as `avx512bf16`.
  ///
  /// The environment variable `JET_ISA` forces a lesser one; nil where it names one that is unknown or
  /// that this processor lacks.
  public static var instructionSet: String? { jet_isa_name().map { String(cString: $0) } }

  /// Runs `body` with the CPU kernels that it calls taking one instruction set; nil where the processor lacks it.
  ///
  /// For tests. It covers the thread that runs `body`, so others may run beside it.
  static func withInstructionSet<Result>(
    _ name: String, _ body: () throws -> Result
  ) rethrows -> Result? {
    guard jet_force_isa(name) == 0 else { return nil }
    defer { jet_force_isa(nil) }
    return try body()
  }

  /// Whether our CPU kernels take these tensors: on the CPU, float32 or bfloat16, and none in need of a gradient.
  static func applies(to tensors: Tensor?...) -> Bool {
    if isDisabled { return false }
    return tensors.allSatisfy { tensor in
      guard let tensor, !tensor.isFailed else { return true }
      return tensor.device == .cpu && (tensor.dtype == .float32 || tensor.dtype == .bfloat16)
        && !(tensor.requiresGradient && gradientsAreEnabled)
    }
  }

  /// Whether our CUDA kernels take these tensors: loaded, all on one GPU, float32 or bfloat16.
  static func appliesOnGPU(to tensors: Tensor...) -> Bool {
    guard !isDisabled, CUDAKernels.isLoaded, let device = tensors.first?.device, device != .cpu
    else { return false }
    return tensors.allSatisfy {
      !$0.isFailed && $0.device == device && ($0.dtype == .float32 || $0.dtype == .bfloat16)
    }
  }

  /// Whether products over chunks may round their factors to bfloat16: in training on a GPU, where queries are of that
  /// type themselves.
  static func narrows(_ tensors: [Tensor]) -> Bool {
    guard let query = tensors.first, !isDisabled, gradientsAreEnabled else { return false }
    return query.device != .cpu && query.dtype == .bfloat16
      && tensors.contains(where: \.requiresGradient)
  }

  /// Whether our fused GPU kernels, which have gradients, take these tensors: on a GPU, of one type, float32 or bfloat16.
  static func fuses(_ tensors: Tensor?...) -> Bool {
    if isDisabled { return false }
    let present = tensors.compactMap { $0 }
    guard let first = present.first, !present.contains(where: \.isFailed) else { return false }
    let (device, dtype) = (first.device, first.dtype)
    return device != .cpu && (dtype == .float32 || dtype == .bfloat16)
      && present.allSatisfy { $0.device == device && $0.dtype == dtype }
  }
}
