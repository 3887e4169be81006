import ArgumentParser
import JetCheckpoint
import JetInference
import JetKernels
import JetModels
import JetTensor

/// Measures how fast a model reads and generates.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure prefill and decode throughput, and how much of the machine they use.",
    discussion: """
      Prefill reads many tokens at once and is bound by arithmetic; decode makes one token a \
      sequence at a time and is bound by memory: each step reads all weights, and the keys, \
      values and states of its sequences. Tokens are random, and so are the weights of a --preset. \
      With --json standard output is one JSON object, and the table goes to standard error.

      EXAMPLES
        jet bench smollm2-135m
        jet bench smollm2-135m --depth 0,4096 --batch 1,4
        jet bench --preset jet-nemotron-2b --prompt 256 --generate 16 --json
        jet bench --preset jet-nemotron-2b --prompt 0 --depth 512,32768 --fill random
      """)

  @OptionGroup var model: ModelOrPreset

  @Option(parsing: .unconditional, help: "Tokens of the prompt; 0 leaves prefill out.")
  var prompt = 512

  @Option(parsing: .unconditional, help: "Tokens to generate; 0 leaves decode out.")
  var generate = 64

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Tokens that are read before.", valueName: "counts"))
  var depth = IntegerList([0])

  @Option(help: "How those tokens get into the state: read, or random numbers in their place.")
  var fill = BenchRunner.Fill.read

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Sequences at a time.", valueName: "counts"))
  var batch = IntegerList([1])

  @Option(name: .customLong("repeat"), parsing: .unconditional, help: "Runs of each measurement.")
  var repeats = 5

  @Option(parsing: .unconditional, help: "Tokens of a piece of the prompt.")
  var chunk = HybridSequence.defaultChunkTokens

  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try CountBounds.expect("--prompt", [prompt], from: 0)
    try CountBounds.expect("--generate", [generate], from: 0)
    guard prompt + generate > 0 else {
      throw ValidationError(
        "--prompt and --generate are both 0; give at least one of them above 0.")
    }
    try CountBounds.expect("--depth", depth.values, from: 0)
    try CountBounds.expect("--batch", batch.values)
    try CountBounds.expect("--repeat", [repeats])
    try CountBounds.expect("--chunk", [chunk])
  }

  func run() throws {
    Interrupt.install()
    try runtime.prepare()
    let choice = try model.choice()
    let (name, configuration, dtype) = describe(choice)
    try checkSize(configuration, dtype)
    let loaded = try load(choice)
    var runner = BenchRunner(loaded, chunkTokens: chunk, repeats: repeats, fill: fill)
    var results: [BenchRunner.Result] = []
    do {
      for depth in depth.values {
        for batch in batch.values {
          Terminal.note("[batch \(batch), depth \(Numbers.grouped(depth))]")
          results += try runner.run(
            batch: batch, depth: depth, tokens: prompt, generated: generate)
        }
      }
    } catch is CancellationError {
      Terminal.note("Interrupted; nothing is reported.")
      throw ExitCode(Interrupt.exitCode)
    }
    var isRandom = false
    if case .preset = choice { isRandom = true }
    let report = BenchReport(
      model: name, randomWeights: isRandom, dtype: "\(loaded.dtype)",
      device: "\(runtime.device)", threads: Runtime.threadCount,
      instructionSet: runtime.device == .cpu ? FastForm.instructionSet : nil,
      weightBytes: loaded.parameters.byteCount, chunkTokens: chunk, repeats: repeats,
      machine: BenchReport.Machine(runner.machine),
      results: results)
    let text = report.heading + "\n\n" + report.table
    if json {
      Terminal.note(text)
      try Terminal.print(jsonLine(report))
    } else {
      try Terminal.print(text)
    }
  }

  private func describe(_ choice: ModelOrPreset.Choice) -> (String, ModelConfiguration, DType) {
    switch choice {
    case .checkpoint(let checkpoint):
      (
        checkpoint.path, checkpoint.configuration, runtime.dtype?.dtype ?? checkpoint.defaultDType
      )
    case .preset(let name, let configuration):
      (name, configuration, runtime.dtype?.dtype ?? .bfloat16)
    }
  }

  /// Refuses depths that the model does not have and states that memory does not hold.
  private func checkSize(_ configuration: ModelConfiguration, _ dtype: DType) throws {
    let context = (depth.values.max() ?? 0) + max(prompt, generate)
    guard context <= configuration.maximumPositions else {
      throw HybridSequenceError.contextTooLong(
        asked: context, available: configuration.maximumPositions)
    }
    let state = configuration.stateBytes(context: context, dtype: dtype)
    // The state to begin from, the copy that a run writes, and the one that was filled.
    let sequences = 2 * (batch.values.max() ?? 1) + 1
    try SystemMemory.require(
      configuration.parameterCount * dtype.byteCount + sequences * (state.growing + state.fixed),
      for: "This benchmark", on: runtime.device)
  }

  private func load(_ choice: ModelOrPreset.Choice) throws -> HybridModel {
    switch choice {
    case .checkpoint(let checkpoint): try checkpoint.model(runtime, context: 1)
    case .preset(_, let configuration):
      try withTorchErrors {
        try HybridModel(
          configuration,
          parameters: ParameterStore(
            source: nil, dtype: runtime.dtype?.dtype ?? .bfloat16, device: runtime.device))
      }
    }
  }
}

extension BenchRunner.Fill: ExpressibleByArgument {}
