import Foundation
public import JetTensor

/// How much memory a run takes.
public enum MemoryUse {
  /// Bytes that the process holds in memory; of a GPU the bytes of its tensors. Nil where the system does not say.
  public static func bytes(on device: Device) -> Int? {
    switch device {
    case .cpu:
      guard let text = FileManager.default.contents(atPath: "/proc/self/statm"),
        let pages = String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst().first,
        let count = Int(pages)
      else { return nil }
      return count * Int(sysconf(Int32(_SC_PAGESIZE)))
    case .cuda:
      do {
        return try device.allocated().currentBytes
      } catch {
        // The report goes on without the number.
        return nil
      }
    }
  }
}
