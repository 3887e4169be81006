internal import CJetKernels
internal import JetTensor

/// The rate at which all threads together read memory on the CPU, in bytes a second.
///
/// The best of three reads of a buffer that no cache holds: what a decode step, which reads all
/// weights once, cannot exceed.
///
/// - Parameter byteCount: the size of the buffer, 256 MB or more to be larger than the caches.
/// - Precondition: `byteCount` is at least a page of 4,096 bytes.
public func measuredReadBandwidth(byteCount: Int = 512 << 20) -> Double {
  precondition(byteCount >= 4096, "a buffer of \(byteCount) bytes cannot be measured")
  // Written, so that each page is memory of its own and not the system's one page of zeros.
  let buffer = Tensor.full([byteCount], 1, dtype: .uint8)
  return buffer.withBytes { jet_read_bandwidth($0.baseAddress, $0.count) * 1e9 }
}
