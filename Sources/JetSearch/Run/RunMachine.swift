import Foundation
import JetTensor

/// What a run was begun on; recorded, since a report may be written elsewhere.
struct RunMachine: Codable, Hashable {
  var processor: String
  var cores: Int
  /// Bytes of the device's memory; nil on CPUs.
  var deviceBytes: Int?

  /// This machine.
  ///
  /// - Throws: what the device reports.
  static func present(_ device: Device) throws -> RunMachine {
    let text = FileManager.default.contents(atPath: "/proc/cpuinfo") ?? Data()
    let line = String(decoding: text, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    return RunMachine(
      processor: name ?? "unknown processor",
      cores: ProcessInfo.processInfo.activeProcessorCount,
      deviceBytes: device == .cpu ? nil : try device.memory().totalBytes)
  }

  /// For people.
  var text: String {
    let gpu = deviceBytes.map { "; a GPU of \($0 >> 30) GiB" } ?? ""
    return "\(processor), \(cores) cores\(gpu)"
  }
}
