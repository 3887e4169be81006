import ArgumentParser
import Foundation
import JetCheckpoint
import JetEvaluation
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
    let journal = try batch.output.map { output in
      try BatchJournal(output: output, run: try name(prompts, checkpoint), count: prompts.count)
    }
    let left = prompts.filter { !(journal?.has($0) ?? false) }
    if let journal, journal.count > 0 {
      Terminal.note("\(journal.path) has \(journal.count) of \(prompts.count) texts.")
      if left.isEmpty { return try journal.finish(isOrdered: !batch.unordered) }
    }
    // A journal takes texts as they end.
    let run = BatchRun(
      prompts: left, stream: try TextStream(tokenizer, stops: length.stop),
      isOrdered: journal == nil && !batch.unordered)
    let load = ServingLoad(
      left, parallel: batch.parallel ?? BatchArguments.defaultParallel,
      maximumPositions: positions, prefixes: batch.prefixes)
    var sharing = EngineOptions()
    sharing.prefixes = load.prefixes
    // A GPU multiplies few rows as slowly as many.
    if runtime.device != .cpu { sharing.chunkTokens = 4096 }
    let engine = try Engine(runner: try makeRunner(checkpoint, runtime, load), options: sharing)
    defer { engine.shutdownAndWait(cancelling: true) }
    var progress = ProgressLine(isTerminal: isatty(STDERR_FILENO) == 1)
    progress.begin()
    let totals = try run.run(
      engine,
      onProgress: { done in
        progress.show(
          EvaluationProgress(
            task: "prompts", done: prompts.count - left.count + done, total: prompts.count),
          known: prompts.count - left.count)
      },
      onReport: { report in
        if let journal { try journal.add(report) } else { try Terminal.print(jsonLine(report)) }
      })
    if totals.isInterrupted {
      let file = journal.map { "; \($0.path) has \($0.count) texts, and the same command goes on" }
      Terminal.note(
        "Interrupted after \(totals.finished) of \(left.count) prompts\(file ?? "").")
      throw ExitCode(Interrupt.exitCode)
    }
    try journal?.finish(isOrdered: !batch.unordered, isWhole: totals.failed == 0)
    Terminal.note(Self.summary(totals, engine.statistics))
    guard totals.failed == 0 else {
      throw CommandError(
        "\(totals.failed) of \(prompts.count) prompts failed; see the \"error\" in their lines"
          + (journal == nil ? "." : ", and give the same command again to try them once more."))
    }
  }

  /// The name of a run, by what its texts depend on.
  private func name(_ prompts: [BatchPrompt], _ checkpoint: Checkpoint) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let configuration = try encoder.encode(checkpoint.configuration)
    let model = [
      checkpoint.path, String(decoding: configuration, as: UTF8.self),
      runtime.dtype.map { "\($0)" } ?? "",
    ]
    return try BatchJournal.Run(model: model, stops: length.stop, prompts: prompts).name()
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
