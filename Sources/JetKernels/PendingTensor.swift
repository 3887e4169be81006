public import JetTensor

/// A copy of a tensor on its way to the CPU.
public final class PendingTensor {
  private let copy: Tensor
  private var download: Int?

  init(_ copy: Tensor, download: Int?) {
    self.copy = copy
    self.download = download
  }

  /// The copy, once it is complete.
  public func wait() -> Tensor {
    if let download {
      Kernels.downloadFinish.run(.int(download), .bool(true))
      self.download = nil
    }
    return copy
  }

  deinit {
    if let download { Kernels.downloadFinish.run(.int(download), .bool(false)) }
  }
}

extension Tensor {
  /// Begins a copy to the CPU, after the work that the GPU was given before, and does not wait for it.
  ///
  /// Without our CUDA kernels, and for a tensor on the CPU, the copy is complete at once.
  public func startDownload() -> PendingTensor {
    guard device != .cpu, CUDAKernels.isLoaded else {
      return PendingTensor(device == .cpu ? clone() : to(.cpu), download: nil)
    }
    let started = Kernels.downloadStart.all(.tensor(self), capacity: 2)
    return PendingTensor(started[0], download: started[1].isFailed ? nil : started[1].item())
  }
}
