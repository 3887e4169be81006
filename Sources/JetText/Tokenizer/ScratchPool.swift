import Foundation

/// Lends the memory that encoding uses, so that a call neither allocates nor waits for another.
///
/// `@unchecked Sendable`: `idle` is read and written under `lock` only.
final class ScratchPool: @unchecked Sendable {
  private static let mostIdle = 8

  private let lock = NSLock()
  private var idle: [EncodingScratch] = []

  /// Memory that nobody else uses until it is given back.
  func borrow() -> EncodingScratch {
    lock.withLock { idle.popLast() } ?? EncodingScratch()
  }

  /// Takes memory back; drops it where enough lies idle.
  func giveBack(_ scratch: consuming EncodingScratch) {
    lock.lock()
    defer { lock.unlock() }
    if idle.count < Self.mostIdle { idle.append(scratch) }
  }
}
