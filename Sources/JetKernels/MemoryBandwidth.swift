internal import CJetKernels
internal import JetTensor

/// The rate at which all threads together read memory on the CPU, in bytes a second.
///
/// The best of three reads of a buffer that no cache holds: what a decode step, which reads all
/// weights once, cannot exceed.
///
/// - Parameter byteCount: the size of the buffer, 256 MB or more to be larger than the caches.
/// - Precondition: `byteCount` is at least a page of 4,096 bytes.
/// - Throws: ``TorchError`` when there is no memory for the buffer.
public func measuredReadBandwidth(byteCount: Int = 512 << 20) throws -> Double {
  precondition(byteCount >= 4096, "a buffer of \(byteCount) bytes cannot be measured")
  // In the kind of pages that weights lie in.
  let buffer = try Tensor.emptyInHugePages([byteCount], dtype: .uint8)
  // Written, so that each page is memory of its own and not the system's one page of zeros.
  buffer.fill(1)
  return buffer.withBytes { jet_read_bandwidth($0.baseAddress, $0.count) * 1e9 }
}
