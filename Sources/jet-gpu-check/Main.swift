import Foundation
import JetTensor

/// Compares Jet's CUDA kernels with their definitions on a GPU, then times them.
///
///     jet-gpu-check [--small] [--no-bench] [--profile]
///
/// `--small` takes few small cases, for a memory checker; `--profile` only runs each kernel once at full size, for a
/// profiler. Ends with 1 where a comparison failed, and then does not time.
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
    let known: Set = ["--small", "--no-bench", "--profile"]
    guard arguments.isSubset(of: known) else {
      throw CheckError(
        "the argument \(arguments.subtracting(known).sorted()[0]) is unknown; give --small, --no-bench or --profile"
      )
    }
    try Device.cuda(0).prepare()
    guard case .loaded(let path) = CUDAKernels.state else {
      throw CheckError("our kernels are not loaded (\(CUDAKernels.state)); run `make cuda`")
    }
    print("kernels: \(path)")
    if arguments.contains("--profile") {
      try GatedDeltaRuleBenchmark.profile()
      return
    }
    var tally = Tally()
    GatedDeltaRuleChecks.run(small: arguments.contains("--small"), &tally)
    JetBlockStepChecks.run(small: arguments.contains("--small"), &tally)
    print("\(tally.passed) passed, \(tally.failed) failed")
    guard tally.failed == 0 else { exit(1) }
    if !arguments.contains("--no-bench"), !arguments.contains("--small") {
      try JetBlockStepBenchmark.run()
      try GatedDeltaRuleBenchmark.run()
    }
  }
}

/// Why the checks could not be made.
struct CheckError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
