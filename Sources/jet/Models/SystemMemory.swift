import Foundation
import JetTensor

/// The machine's memory, as the kernel counts it.
struct SystemMemory {
  /// Bytes that can be had without swapping.
  let availableBytes: Int
  /// All of it.
  let totalBytes: Int

  /// What `/proc/meminfo` says now; nil where it cannot be read.
  static var current: SystemMemory? {
    guard let data = FileManager.default.contents(atPath: "/proc/meminfo") else { return nil }
    return SystemMemory(meminfo: String(decoding: data, as: UTF8.self))
  }

  /// Reads the text of `/proc/meminfo`, whose numbers are in units of 1,024 bytes.
  init?(meminfo: String) {
    func bytes(_ key: String) -> Int? {
      for line in meminfo.split(separator: "\n") where line.hasPrefix(key + ":") {
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
      }
      return nil
    }
    guard let available = bytes("MemAvailable"), let total = bytes("MemTotal") else { return nil }
    (availableBytes, totalBytes) = (available, total)
  }

  /// Refuses work that would not fit, before the kernel ends the program for it.
  ///
  /// - Throws: ``CommandError`` with what is needed and what there is.
  static func require(_ byteCount: Int, for purpose: String, on device: Device) throws {
    let available: Int
    switch device {
    case .cpu:
      // Where the kernel does not say, libtorch will.
      guard let memory = SystemMemory.current else { return }
      available = memory.availableBytes
    case .cuda: available = try device.memory().freeBytes
    }
    guard byteCount <= available else {
      throw CommandError(
        "\(purpose) needs \(Numbers.bytes(byteCount)) and \(Numbers.bytes(available)) of memory are "
          + "free on \(device); ask for less context, a smaller batch or a smaller element type.")
    }
  }
}
