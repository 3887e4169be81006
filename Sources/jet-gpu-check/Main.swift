import Foundation
import JetTensor

/// Checks Jet's CUDA kernels, beside their definitions, and the engine on a GPU, then times them.
///
///     jet-gpu-check [--small] [--no-bench] [--profile] [--cpu] [NAME …]
///
/// `--small` takes few small cases, for a memory checker; `--profile` only runs what is timed once at full size, for a
/// profiler; `--cpu` checks on the CPU what can be checked there. Names choose some of the parts; all by default. Ends with
/// 1 where a comparison failed, and then does not time.
@main
struct Main {
  static func main() {
    do {
      try run(Set(CommandLine.arguments.dropFirst()))
    } catch {
      print("jet-gpu-check: \(error)")
      exit(1)
    }
  }

  private static func run(_ arguments: Set<String>) throws {
    let device: Device = arguments.contains("--cpu") ? .cpu : .cuda(0)
    let all = parts(on: device)
    let known = ["--small", "--no-bench", "--profile", "--cpu"] + all.map(\.name)
    if let other = arguments.subtracting(known).min() {
      throw CheckError("the argument \(other) is unknown; give \(known.joined(separator: ", "))")
    }
    let named = all.filter { arguments.contains($0.name) }
    let parts = named.isEmpty ? all : named
    if device != .cpu {
      try device.prepare()
      guard case .loaded(let path) = CUDAKernels.state else {
        throw CheckError("our kernels are not loaded (\(CUDAKernels.state)); run `make cuda`")
      }
      print("kernels: \(path)")
      if arguments.contains("--profile") {
        for part in parts { try part.profile() }
        return
      }
    }
    var tally = Tally()
    let isSmall = arguments.contains("--small")
    for part in parts { try part.check(isSmall, &tally) }
    print("\(tally.passed) passed, \(tally.failed) failed")
    guard tally.failed == 0 else { exit(1) }
    if !arguments.contains("--no-bench"), !isSmall, device != .cpu {
      for part in parts { try part.time() }
    }
  }

  /// What is checked and timed together.
  private struct Part {
    let name: String
    var check: (_ isSmall: Bool, inout Tally) throws -> Void = { _, _ in }
    var time: () throws -> Void = {}
    var profile: () throws -> Void = {}
  }

  /// All parts; of a CPU those that need no GPU.
  private static func parts(on device: Device) -> [Part] {
    let engine = Part(
      name: "engine", check: { try EngineChecks.run(device, small: $0, &$1) },
      time: { try EngineBenchmark.run() })
    if device == .cpu { return [engine] }
    return [
      Part(
        name: "gated-delta-rule", check: { GatedDeltaRuleChecks.run(small: $0, &$1) },
        time: GatedDeltaRuleBenchmark.run, profile: GatedDeltaRuleBenchmark.profile),
      Part(
        name: "linear-step", check: { try LinearStepChecks.run(small: $0, &$1) },
        time: LinearStepBenchmark.run),
      Part(
        name: "jet-block-step", check: { JetBlockStepChecks.run(small: $0, &$1) },
        time: JetBlockStepBenchmark.run),
      Part(
        name: "recurrent-step",
        check: { isSmall, tally in
          RecurrentStepChecks.run(small: isSmall, &tally)
          WindowStepChecks.run(small: isSmall, &tally)
        }, time: RecurrentStepBenchmark.run),
      Part(
        name: "pooled-steps",
        check: { isSmall, tally in
          PagedAttentionChecks.run(small: isSmall, &tally)
          SampleStepChecks.run(small: isSmall, &tally)
        }, time: PooledStepBenchmark.run),
      engine,
      Part(
        name: "training", check: { LayerPartChecks.run(small: $0, &$1) },
        time: JetBlockTrainingBenchmark.run, profile: JetBlockTrainingBenchmark.profile),
    ]
  }
}

/// Why the checks could not be made.
struct CheckError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
