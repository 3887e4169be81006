import ArgumentParser
import Foundation
import JetCheckpoint
import JetEvaluation
import JetFormats
import JetInference
import JetModels
import JetTensor
import JetText

extension Generate {
  /// Goes on with each prompt of a file, several at once.
  func run(_ path: String, _ checkpoint: Checkpoint, _ tokenizer: Tokenizer) throws {
    let configuration = checkpoint.configuration
    let positions = length.context ?? configuration.maximumPositions
    guard positions <= configuration.maximumPositions else {
      throw HybridSequenceError.contextTooLong(
        asked: positions, available: configuration.maximumPositions)
    }
    let prompts = try BatchPrompt.all(
      try PromptLine.all(in: path), options: try options(checkpoint), maximumPositions: positions,
      vocabularySize: configuration.vocabularySize,
      encode: try prompt.encoder(checkpoint, tokenizer))
    let run = BatchRun(
      prompts: prompts, stream: try TextStream(tokenizer, stops: length.stop),
      isOrdered: !batch.unordered)
    let load = ServingLoad(
      prompts, parallel: batch.parallel ?? BatchArguments.defaultParallel,
      maximumPositions: positions, prefixes: batch.prefixes)
    var sharing = EngineOptions()
    sharing.prefixes = load.prefixes
    // A GPU multiplies few rows as slowly as many.
    if runtime.device != .cpu { sharing.chunkTokens = 4096 }
    let engine = try Engine(runner: try makeRunner(checkpoint, runtime, load), options: sharing)
    defer { engine.shutdownAndWait(cancelling: true) }
    var lines: [String] = []
    var progress = ProgressLine(isTerminal: isatty(STDERR_FILENO) == 1)
    progress.begin()
    let totals = try run.run(
      engine,
      onProgress: { done in
        progress.show(
          EvaluationProgress(task: "prompts", done: done, total: prompts.count), known: 0)
      },
      onReport: { report in
        let line = try jsonLine(report)
        if batch.output == nil { try Terminal.print(line) } else { lines.append(line) }
      })
    if totals.isInterrupted {
      let file = batch.output.map { "; \($0) was not written" } ?? ""
      Terminal.note("Interrupted after \(totals.finished) of \(prompts.count) prompts\(file).")
      throw ExitCode(Interrupt.exitCode)
    }
    if let output = batch.output {
      let text = lines.map { $0 + "\n" }.joined()
      try AtomicFile.write(Data(text.utf8), to: URL(filePath: output))
    }
    Terminal.note(Self.summary(totals, engine.statistics))
    guard totals.failed == 0 else {
      throw CommandError(
        "\(totals.failed) of \(prompts.count) prompts failed; see the \"error\" in their lines.")
    }
  }

  /// One line for people: how much was written, and how fast.
  private static func summary(_ totals: BatchRun.Totals, _ statistics: EngineStatistics) -> String {
    var text =
      "[\(Numbers.grouped(totals.finished)) texts; "
      + "generated \(Numbers.grouped(totals.generatedTokens)) tokens"
    if let rate = statistics.tokensPerSecond { text += ", \(Numbers.short(rate)) tokens/s" }
    if statistics.reusedTokens > 0 {
      text +=
        "; read \(Numbers.grouped(statistics.promptTokens)) tokens of prompts and reused "
        + Numbers.grouped(statistics.reusedTokens)
    }
    return text + "]"
  }
}
