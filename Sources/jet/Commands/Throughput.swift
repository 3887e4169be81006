import ArgumentParser
import Foundation
import JetFormats
import JetModels
import JetTensor

/// Reproduces the paper's tables of throughput.
struct Throughput: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the throughput of models at long contexts, as the paper's tables do.",
    discussion: """
      Each model runs with random weights of its shape in the engine's own runner: prefill of one \
      sequence, then decode with one sequence and with the largest batch that the memory holds. \
      States, keys and values are random numbers in place of a text that was read. The last model \
      is the one that the others are compared with. With --json standard output is one JSON \
      object, and the tables go to standard error. --plot draws decode against context, one \
      sequence and the largest batch, and what it is against the last model.

      EXAMPLES
        jet throughput --device cuda
        jet throughput jet-nemotron-2b --device cuda --context 65536 --batch 1,128
        jet throughput smollm2-135m --context 512 --batch 1 --steps 4 --repeat 1
        jet throughput --device cuda --json --plot result.html > result.json
        jet throughput --from result.json --plot result.html
      """)

  private static let paperModels = [
    "jet-nemotron-2b", "jet-nemotron-4b", "qwen2.5-1.5b", "qwen3-1.7b",
  ]
  private static let paperContexts = IntegerList([4096, 16384, 65536, 262_144])

  @ArgumentParser.Argument(
    help: ArgumentHelp(
      "Shapes: \(ModelConfiguration.presets.keys.sorted().joined(separator: ", ")).",
      valueName: "names"))
  var models = Throughput.paperModels

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Tokens behind each sequence.", valueName: "counts"))
  var context = Throughput.paperContexts

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Sequences at a time (default: 1 and the largest that fits).", valueName: "counts"))
  var batch: IntegerList?

  @Option(parsing: .unconditional, help: "The largest batch that is tried.")
  var maxBatch = 1024

  @Option(parsing: .unconditional, help: "Decode steps of a run.")
  var steps = 32

  @Option(name: .customLong("repeat"), parsing: .unconditional, help: "Runs of each measurement.")
  var repeats = 5

  @Option(parsing: .unconditional, help: "Tokens of a piece of the prompt.")
  var chunk = 16384

  @Flag(help: "Leave prefill out.")
  var noPrefill = false

  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  @Option(
    help: ArgumentHelp(
      "Draw the result as an HTML page with vector pictures.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var plot: String?

  @Option(
    help: ArgumentHelp(
      "Show a result that --json printed instead of measuring.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var from: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try CountBounds.expect("--max-batch", [maxBatch])
    try CountBounds.expect("--steps", [steps])
    try CountBounds.expect("--repeat", [repeats])
    try CountBounds.expect("--chunk", [chunk])
    try CountBounds.expect("--context", context.values)
    try CountBounds.expect("--batch", batch?.values ?? [])
    guard steps * (repeats + 1) <= CountBounds.most else {
      throw ValidationError("\(repeats) runs of \(steps) steps are too many; give fewer.")
    }
    for name in models { _ = try ModelConfiguration.preset(name) }
    let choosesRows =
      models != Self.paperModels || context != Self.paperContexts || batch != nil || noPrefill
    guard from == nil || !choosesRows else {
      throw ValidationError(
        "--from shows all of an earlier result; leave names, --context, --batch and --no-prefill out."
      )
    }
  }

  func run() throws {
    if let plot { try OutputPlace.expect(plot, of: "--plot") }
    let report = try from.map { try ThroughputReport(contentsOf: $0) } ?? measured()
    let text = [report.heading, report.table, report.comparison].filter { !$0.isEmpty }
      .joined(separator: "\n\n")
    if json {
      Terminal.note(text)
      try Terminal.print(jsonLine(report))
    } else {
      try Terminal.print(text)
    }
    if let plot {
      try AtomicFile.write(Data(ThroughputPlot(report).html().utf8), to: URL(filePath: plot))
      Terminal.note("The plot is \(plot).")
    }
  }

  private func measured() throws -> ThroughputReport {
    Interrupt.install()
    try runtime.prepare()
    let dtype = runtime.dtype?.dtype ?? .bfloat16
    let copy = try MachineRate.reading.measured(on: runtime.device, dtype: dtype)
    let product = try MachineRate.multiplying.measured(on: runtime.device, dtype: dtype)
    var rows: [ThroughputRow] = []
    do {
      for name in models { rows += try measured(name, dtype, (copy, product)) }
    } catch is CancellationError {
      Terminal.note("Interrupted; nothing is reported.")
      throw ExitCode(Interrupt.exitCode)
    }
    guard !rows.isEmpty else {
      throw CommandError(
        "Nothing of what was asked for fits into memory; ask for less context or fewer sequences.")
    }
    return ThroughputReport(
      device: "\(runtime.device)", dtype: "\(dtype)", copyBytesPerSecond: copy,
      productFlops: product, rows: rows)
  }

  private func measured(
    _ name: String, _ dtype: DType, _ rates: (copy: Double, product: Double)
  ) throws -> [ThroughputRow] {
    var configuration = try ModelConfiguration.preset(name)
    // Random weights have no trained length.
    let tokens = (context.values.max() ?? 0) + steps * (repeats + 1) + 2
    configuration.maximumPositions = max(configuration.maximumPositions, tokens)
    if runtime.device != .cpu { try runtime.device.releaseCached() }
    try SystemMemory.require(
      configuration.parameterCount * dtype.byteCount, for: "This benchmark", on: runtime.device)
    let model = try withTorchErrors {
      try HybridModel(
        configuration,
        parameters: ParameterStore(source: nil, dtype: dtype, device: runtime.device))
    }
    let run = ThroughputRun(
      name: name, model: model, chunkTokens: chunk, steps: steps, repeats: repeats, rates: rates)
    var rows: [ThroughputRow] = []
    for context in context.values {
      let batches = batch.map { $0.values.map(Optional.some) } ?? [1, nil]
      var isRead = noPrefill
      for batch in batches {
        if runtime.device != .cpu { try runtime.device.releaseCached() }
        let row = try run.row(
          context: context, batch: batch, most: maxBatch, freeBytes: freeBytes(),
          readsPrompt: !isRead)
        guard let row else {
          Terminal.note(
            "\(name): \(batch.map(String.init) ?? "one") x \(Numbers.grouped(context)) does not fit"
          )
          continue
        }
        isRead = true
        // The largest batch can be the one that was measured before.
        guard batch != nil || rows.last?.context != context || rows.last?.batch != row.batch else {
          continue
        }
        Terminal.note(
          "\(name), \(row.batch) x \(Numbers.grouped(context)): decode "
            + "\(Numbers.short(row.decodeTokensPerSecond.median)) tokens/s"
            + (row.prefillTokensPerSecond.map { ", prefill \(Numbers.short($0))" } ?? ""))
        rows.append(row)
      }
    }
    return rows
  }

  private func freeBytes() throws -> Int {
    if runtime.device != .cpu { return try runtime.device.memory().freeBytes }
    return SystemMemory.current?.availableBytes ?? 0
  }
}
