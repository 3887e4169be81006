internal import CJetTorch

/// Where a tensor's memory lies and its operations run.
public enum Device: Sendable, Hashable, CustomStringConvertible {
  /// The processor and its memory.
  case cpu
  /// An NVIDIA GPU by its index.
  case cuda(Int)

  /// The name as it is written on the command line: `cpu`, `cuda:0`.
  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    }
  }

  /// The device of that name: `cpu`, `cuda` or `cuda:1`; nil for anything else.
  public init?(name: String) {
    switch name {
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    default:
      guard name.hasPrefix("cuda:"), let index = Int(name.dropFirst(5)), (0..<128).contains(index)
      else { return nil }
      self = .cuda(index)
    }
  }

  /// Makes the device usable: opens libtorch's CUDA part and Jet's own kernels for a GPU, does nothing for the CPU.
  ///
  /// Without Jet's kernels everything works by libtorch's operations; ``CUDAKernels/state`` says what was found.
  ///
  /// - Throws: ``TorchError`` when libtorch's libraries, the driver or the device are missing.
  public func prepare() throws(TorchError) {
    guard case .cuda(let index) = self else { return }
    try check("opening \(self)") { jt_cuda_load() }
    var count: Int32 = 0
    try check("opening \(self)") { jt_cuda_device_count(&count) }
    guard index < Int(count) else {
      throw TorchError(
        operation: "opening \(self)",
        message: "this machine has \(count) CUDA devices, counted from 0")
    }
    CUDAKernels.open()
  }

  /// Waits for all work that was given to the device.
  public func synchronize() {
    _ = succeeds("synchronize \(self)") { jt_device_synchronize(raw) }
  }

  /// Bytes of the device's memory that are free, and all of them; of a GPU only.
  public func memory() throws(TorchError) -> (freeBytes: Int, totalBytes: Int) {
    var free: Int64 = 0
    var total: Int64 = 0
    try check("memory of \(self)") { jt_device_memory(raw, &free, &total) }
    return (Int(free), Int(total))
  }

  /// Bytes that tensors hold on the device now, and the most they held; of a GPU only.
  public func allocated() throws(TorchError) -> (currentBytes: Int, peakBytes: Int) {
    var current: Int64 = 0
    var peak: Int64 = 0
    try check("allocated memory of \(self)") { jt_device_allocated(raw, &current, &peak) }
    return (Int(current), Int(peak))
  }

  /// Gives memory that no tensor uses back to the device; of a GPU only.
  public func releaseCached() throws(TorchError) {
    try check("release of cached memory of \(self)") { jt_device_release_cached(raw) }
  }

  var raw: jt_device {
    switch self {
    case .cpu: jt_device(type: 0, index: -1)
    case .cuda(let index): jt_device(type: 1, index: Int32(index))
    }
  }

  init(raw: jt_device) {
    self = raw.type == 0 ? .cpu : .cuda(max(0, Int(raw.index)))
  }
}

/// libtorch's threads and version, for the whole process.
public enum Runtime {
  /// The threads that an operation may use.
  public static var threadCount: Int { Int(jt_thread_count()) }

  /// Sets ``threadCount``.
  ///
  /// - Throws: ``TorchError`` for a number below 1.
  public static func setThreadCount(_ count: Int) throws(TorchError) {
    try check("setting the number of threads") { jt_set_thread_count(Int32(clamping: count)) }
  }

  /// Lets float32 matrix products on GPUs round their factors to TF32, with 10 bits of mantissa: several times faster,
  /// with errors near 3 in 10,000. Off at the start; the CPU does not know it.
  ///
  /// - Throws: ``TorchError`` when libtorch refuses.
  public static func allowTF32(_ allowed: Bool) throws(TorchError) {
    try check("setting the precision of float32 products") { jt_cuda_set_tf32(allowed) }
  }

  /// The version of libtorch, such as `2.11.0`.
  public static var torchVersion: String { String(cString: jt_torch_version()) }

  /// Handles to tensors that are alive in the process.
  public static var liveTensorCount: Int { Int(jt_tensor_live_count()) }
}
