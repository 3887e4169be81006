public import JetTensor

/// Work of a GPU that is recorded once and then given to it in one piece, any number of times.
///
/// A replay does what the recorded operations did, on the same memory: inputs are tensors that were there before and are
/// changed in place between replays, results are tensors that were made while recording and are kept. What is decided on
/// the CPU (shapes, branches, numbers given as Swift values) stays as it was.
///
/// All graphs of a device share the memory of what they make. A replay may overwrite what another graph's replay made,
/// so results are read, or copied by later work, before another graph is replayed.
public final class CUDAGraph {
  private let graph: Int

  /// Records the work that `body` gives to the GPU, without doing it.
  ///
  /// Waits for the GPU before. Inside, nothing may wait for the GPU or read its numbers (``Tensor/item(as:)``, a copy to
  /// the CPU, ``Device/synchronize()``), and operations that prepare themselves at their first use, such as the matrix
  /// product of libtorch, must have run before: run `body` once without a graph.
  ///
  /// - Throws: what `body` throws, or ``TorchError`` where our CUDA kernels are not loaded or an operation cannot be
  ///   recorded; the GPU can be used as before then.
  /// - Precondition: `device` is a GPU, and no other graph is being recorded by this thread.
  public init(on device: Device, capturing body: () throws -> Void) throws {
    guard case .cuda(let index) = device else {
      preconditionFailure("a graph of work on \(device), which is not a GPU")
    }
    try withTorchErrors { Kernels.graphBegin.run(.int(index)) }
    do {
      try withTorchErrors(body)
    } catch {
      try withTorchErrors { Kernels.graphAbandon.run() }
      throw error
    }
    graph = try withTorchErrors { Kernels.graphEnd().item() }
  }

  /// Does the recorded work, after all work that was given to the device before.
  public func replay() { Kernels.graphReplay.run(.int(graph)) }

  deinit { Kernels.graphRelease.run(.int(graph)) }
}
