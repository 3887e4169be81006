import ArgumentParser
import Foundation
import JetKernels
import JetTensor

/// Where and with what numbers a model runs.
struct RuntimeOptions: ParsableArguments, Sendable {
  @Option(help: "Element type of weights and activations (default: the checkpoint's own).")
  var dtype: NumberType?

  @Option(
    name: .customLong("device"),
    help: ArgumentHelp("Where to run: cpu, cuda or cuda:1.", valueName: "device"),
    completion: .list(["cpu", "cuda"]), transform: RuntimeOptions.device)
  var device: Device = .cpu

  @Option(
    parsing: .unconditional,
    help: "Threads of the CPU (default: one for each core).")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("The number of threads is \(threads); give 1 to 1,024.")
    }
  }

  /// Sets the threads and makes the device usable.
  ///
  /// - Throws: ``CommandError`` for a wrong `JET_ISA` or a device that is not there.
  func prepare() throws {
    guard FastForm.instructionSet != nil else {
      let name = ProcessInfo.processInfo.environment["JET_ISA"] ?? ""
      throw CommandError(
        "The environment variable JET_ISA is \(name), which this processor does not have or Jet does "
          + "not know; unset it, or give portable, avx2, avx512 or avx512bf16.")
    }
    if let threads { try Runtime.setThreadCount(threads) }
    do {
      try device.prepare()
    } catch {
      throw CommandError(
        "\(device) cannot be used: \(error.message.prefix { $0 != "\n" }); run with --device cpu, or "
          + "see `jet doctor`.")
    }
  }

  static func device(_ name: String) throws -> Device {
    guard let device = Device(name: name) else {
      throw ValidationError("There is no device \(name); give cpu, cuda or cuda:1.")
    }
    return device
  }
}

/// The element types that a model runs in.
enum NumberType: String, ExpressibleByArgument, CaseIterable, Sendable {
  case bfloat16
  case float32

  /// The tensor library's type.
  var dtype: DType { self == .bfloat16 ? .bfloat16 : .float32 }
}
