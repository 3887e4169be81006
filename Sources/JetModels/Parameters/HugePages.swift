import Glibc
import JetTensor

/// Memory for weights in pages of 2 MB, where the kernel has them: a decode step reads all weights once, and small
/// pages would stop the processor's prefetching every 4 KB.
enum HugePages {
  static let pageBytes = 2 << 20

  /// An unwritten tensor on the CPU.
  ///
  /// - Throws: ``ModelError`` when the memory cannot be had.
  static func tensor(_ shape: [Int], dtype: DType) throws -> Tensor {
    let byteCount = shape.reduce(dtype.byteCount, *)
    guard byteCount >= pageBytes else { return Tensor.empty(shape, dtype: dtype) }
    let (mapped, aligned) = try map(byteCount)
    return Tensor(wrapping: aligned, shape: shape, dtype: dtype) {
      munmap(mapped.baseAddress, mapped.count)
    }
  }

  private static func map(
    _ byteCount: Int
  ) throws -> (UnsafeMutableRawBufferPointer, UnsafeMutableRawPointer) {
    let length = (byteCount + 2 * pageBytes - 1) / pageBytes * pageBytes
    guard
      let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else {
      throw ModelError(
        "\(byteCount) bytes for a weight could not be allocated: \(String(cString: strerror(errno)))"
      )
    }
    let offset = (pageBytes - Int(bitPattern: start) % pageBytes) % pageBytes
    // Whole pages only: the last one would be 2 MB of memory however little of it the weight takes.
    // A refusal costs speed, not correctness.
    _ = madvise(start + offset, byteCount / pageBytes * pageBytes, MADV_HUGEPAGE)
    return (UnsafeMutableRawBufferPointer(start: start, count: length), start + offset)
  }
}
