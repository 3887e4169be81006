import Glibc

extension Tensor {
  /// An unwritten tensor on the CPU in pages of 2 MB, where the kernel has them: for what is read from end to end again
  /// and again, since small pages would stop the processor's prefetching every 4 KB.
  ///
  /// - Throws: ``TorchError`` when the memory cannot be had.
  public static func emptyInHugePages(_ shape: [Int], dtype: DType) throws(TorchError) -> Tensor {
    let byteCount = shape.reduce(dtype.byteCount, *)
    guard byteCount >= pageBytes else { return Tensor.empty(shape, dtype: dtype) }
    let (mapped, aligned) = try map(byteCount)
    return Tensor(wrapping: aligned, shape: shape, dtype: dtype) {
      munmap(mapped.baseAddress, mapped.count)
    }
  }
}

private let pageBytes = 2 << 20

private func map(
  _ byteCount: Int
) throws(TorchError) -> (UnsafeMutableRawBufferPointer, UnsafeMutableRawPointer) {
  let length = (byteCount + 2 * pageBytes - 1) / pageBytes * pageBytes
  guard
    let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
    start != MAP_FAILED
  else {
    throw TorchError(
      operation: "allocation of \(byteCount) bytes",
      message: "can't allocate memory: \(String(cString: strerror(errno)))")
  }
  let offset = (pageBytes - Int(bitPattern: start) % pageBytes) % pageBytes
  // Whole pages only: the last one would be 2 MB of memory however little of it the tensor takes.
  // A refusal costs speed, not correctness.
  _ = madvise(start + offset, byteCount / pageBytes * pageBytes, MADV_HUGEPAGE)
  return (UnsafeMutableRawBufferPointer(start: start, count: length), start + offset)
}
