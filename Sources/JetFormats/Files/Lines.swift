import Foundation

extension UnsafeRawBufferPointer {
  /// Calls `body` with each line, numbered from 1, without its end; one after another, as a hostile file may hold
  /// nothing but ends of lines.
  public func forEachLine(_ body: (Int, UnsafeRawBufferPointer) throws -> Void) rethrows {
    var (number, start) = (1, 0)
    while start <= count {
      var end = count
      if start < count, let base = baseAddress,
        let found = memchr(base + start, 0x0A, count - start)
      {
        end = UnsafeRawPointer(found) - base
      }
      try body(number, UnsafeRawBufferPointer(rebasing: self[start..<end]))
      (number, start) = (number + 1, end + 1)
    }
  }
}
