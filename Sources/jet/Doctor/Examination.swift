import Foundation
import JetKernels
import JetTensor

/// Looks at the machine: processor, memory, libtorch, GPU, models.
enum Examination {
  /// All findings, in the order in which they are told; about a second, for the bandwidth.
  static func findings() -> [Finding] {
    [libtorch, processor, instructions, threads, memory, bandwidth, gpu] + gpuKernels
      + models
  }

  private static var libtorch: Finding { Finding("libtorch", Runtime.torchVersion) }

  private static var processor: Finding {
    let text = FileManager.default.contents(atPath: "/proc/cpuinfo").map {
      String(decoding: $0, as: UTF8.self)
    }
    guard let processor = text.flatMap(ProcessorDescription.init) else {
      return Finding("processor", "/proc/cpuinfo could not be read", state: .note)
    }
    let features = processor.features.isEmpty ? "none" : processor.features.joined(separator: ", ")
    return Finding("processor", "\(processor.name); of the features that Jet uses: \(features)")
  }

  private static var instructions: Finding {
    guard let name = FastForm.instructionSet else {
      return Finding(
        "kernels", "JET_ISA names an instruction set that this processor lacks", state: .missing,
        advice: "unset JET_ISA, or set it to portable, avx2, avx512 or avx512bf16")
    }
    let advice =
      name == "portable"
      ? "use a processor with AVX2 or AVX-512, or unset JET_ISA if it is set; decode will be slow"
      : nil
    return Finding("kernels", name, state: advice == nil ? .good : .note, advice: advice)
  }

  private static var threads: Finding {
    let (used, cores) = (Runtime.threadCount, ProcessInfo.processInfo.activeProcessorCount)
    return used <= cores
      ? Finding("threads", "\(used) of \(cores) cores that this process may use")
      : Finding(
        "threads", "\(used) threads for \(cores) cores", state: .note,
        advice: "give --threads \(cores) or unset OMP_NUM_THREADS")
  }

  private static var memory: Finding {
    guard let memory = SystemMemory.current else {
      return Finding("memory", "/proc/meminfo could not be read", state: .note)
    }
    return Finding(
      "memory",
      "\(Numbers.bytes(memory.availableBytes)) free of \(Numbers.bytes(memory.totalBytes))")
  }

  private static var bandwidth: Finding {
    guard FastForm.instructionSet != nil else {
      return Finding("bandwidth", "not measured without kernels", state: .note)
    }
    let byteCount = 256 << 20
    guard SystemMemory.current.map({ $0.availableBytes > 2 * byteCount }) ?? true else {
      return Finding("bandwidth", "not measured, for too little memory is free", state: .note)
    }
    let rate: Double
    do {
      rate = try measuredReadBandwidth(byteCount: byteCount)
    } catch {
      return Finding("bandwidth", "not measured: \(error)", state: .note)
    }
    return Finding(
      "bandwidth",
      "reads \(Numbers.short(rate / 1e9)) GB/s: at most \(Numbers.short(rate / 269e6)) steps/s of a "
        + "model of 135 M parameters, \(Numbers.short(rate / 4e9)) of 2 B, in bfloat16")
  }

  private static var gpu: Finding {
    do {
      let device = Device.cuda(0)
      try device.prepare()
      let memory = try device.memory()
      return Finding(
        "GPU",
        "\(device), \(Numbers.bytes(memory.freeBytes)) free of \(Numbers.bytes(memory.totalBytes))")
    } catch {
      return Finding(
        "GPU", "none that can be used: \(error.message.prefix { $0 != "\n" })", state: .note,
        advice:
          "nothing is needed to run on the CPU; for a GPU install NVIDIA's driver and put the "
          + "folder of libtorch_cuda.so on LD_LIBRARY_PATH")
    }
  }

  /// Told where a GPU can be used.
  private static var gpuKernels: [Finding] {
    switch CUDAKernels.state {
    case .notSought: []
    case .loaded(let path): [Finding("GPU kernels", path)]
    case .absent(let paths):
      [
        Finding(
          "GPU kernels", "none in \(paths.joined(separator: ", "))", state: .note,
          advice: "run `make cuda`, or name the library in \(CUDAKernels.variable); without it "
            + "libtorch's operations are used, which are slower")
      ]
    case .failed(let path, let reason):
      [
        Finding(
          "GPU kernels", "\(path) does not load: \(reason)", state: .missing,
          advice: "build it again with `make cuda`")
      ]
    }
  }

  private static var models: [Finding] {
    let locator = ModelLocator()
    let found = locator.present.map { Finding("model", "\($0.name) in \($0.path)") }
    guard found.isEmpty else { return found }
    return [
      Finding(
        "model", "none of \(ModelLocator.known.keys.sorted().joined(separator: ", "))",
        state: .missing,
        advice: "run `make setup`, or name your folder of models in \(ModelLocator.variable)")
    ]
  }
}

/// A processor by `/proc/cpuinfo`.
struct ProcessorDescription: Equatable {
  /// The maker's name of it.
  let name: String
  /// Which of the instruction sets that matter here it has.
  let features: [String]

  /// Reads the text of `/proc/cpuinfo`; nil where it names no processor.
  init?(_ text: String) {
    func value(_ key: String) -> String? {
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        if parts.count == 2, parts[0].filter({ $0 != "\t" }) == key {
          return String(parts[1].drop { $0 == " " })
        }
      }
      return nil
    }
    guard let name = value("model name") else { return nil }
    let flags = Set((value("flags") ?? "").split(separator: " "))
    self.name = name
    features = ["avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"].filter {
      flags.contains(Substring($0))
    }
  }
}
