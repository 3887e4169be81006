import ArgumentParser
import Foundation
import JetCheckpoint
import JetEvaluation
import JetFormats
import JetModels
import JetTensor

/// Measures what a model knows.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a model's accuracy and perplexity, with standard errors.",
    discussion: """
      A task is a name (\(BuiltInTasks.names.joined(separator: ", ")), or all for these; \
      \(TaskChoice.generated.joined(separator: ", "))), a .yaml file that describes one, or a .txt \
      file for its perplexity. `make setup-eval` fetches the files of the named ones.

      Answers are kept in a cache as they come, so that an interrupted run goes on where it was. \
      With --json standard output is one JSON object, and the table goes to standard error.

      EXAMPLES
        jet eval smollm2-135m --tasks hellaswag,arc-easy --limit 200
        jet eval smollm2-135m --tasks mmlu --few-shot 5 --output mmlu.json
        jet eval smollm2-135m --tasks needle,recall --lengths 512,2048
        jet eval other.gguf --tasks hellaswag --limit 200 --compare hellaswag.json
      """)

  @OptionGroup var model: ModelArgument

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Tasks with commas between; may be repeated.", valueName: "names"))
  var tasks: [String] = []

  @Option(
    parsing: .unconditional,
    help: "The most items of each task, spread over its file (default: all).")
  var limit: Int?

  @Option(
    parsing: .unconditional,
    help: "Solved examples before each question (default: the task's own number).")
  var fewShot: Int?

  @Option(parsing: .unconditional, help: "The most tokens of a batch, padding included.")
  var batchTokens = HybridLanguageModel.defaultBatchTokens

  @Option(parsing: .unconditional, help: "Tokens that perplexity reads at once.")
  var window = HybridLanguageModel.defaultWindow

  @OptionGroup(title: "Generated tasks") var retrieval: RetrievalArguments

  @Option(
    help: ArgumentHelp(
      "Folder of the named tasks' files (default: .deps/eval).", valueName: "folder"),
    completion: .directory)
  var data: String?

  @Option(
    help: ArgumentHelp(
      "The file of answers (default: one for each model in ~/.cache/jet/eval).", valueName: "file"),
    completion: .file())
  var cache: String?

  @Flag(help: "Neither read nor keep answers.")
  var noCache = false

  @Option(
    help: ArgumentHelp("Write scores and the result of each item.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Compare item by item with a file that --output wrote.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var compare: String?

  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    func require(_ holds: Bool, _ name: String, _ found: Int, _ expected: String) throws {
      guard holds else { throw ValidationError("\(name) is \(found); give \(expected).") }
    }
    guard !names.isEmpty else {
      throw ValidationError("There is no task; give --tasks, such as --tasks hellaswag,arc-easy.")
    }
    try require((limit ?? 1) >= 1, "--limit", limit ?? 1, "1 item or more")
    try require((fewShot ?? 0) >= 0, "--few-shot", fewShot ?? 0, "0 examples or more")
    try require(batchTokens >= 1, "--batch-tokens", batchTokens, "1 token or more")
    try require(window >= 1, "--window", window, "1 token or more")
    if noCache, cache != nil {
      throw ValidationError("Both --cache and --no-cache are given; give one of them.")
    }
  }

  private var names: [String] {
    tasks.flatMap { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
      .filter { !$0.isEmpty }
  }

  func run() throws {
    Interrupt.install()
    if let output { try OutputPlace.expect(output, of: "--output") }
    try runtime.prepare()
    let earlier = try compare.map { try EvaluationReport(contentsOf: $0) }
    let checkpoint = try model.checkpoint()
    let tokenizer = try checkpoint.tokenizer()
    let chosen = try TaskChoice(
      folders: data.map { [$0] } ?? TaskChoice.fetchedFolders(), retrieval: retrieval.values,
      fewShot: fewShot, limit: limit
    ).tasks(names, tokenizer: tokenizer)
    let loaded = try checkpoint.model(runtime, context: batchTokens)
    let language = try HybridLanguageModel(
      loaded, tokenizer: tokenizer, endTokens: try checkpoint.endTokens(),
      batchTokens: batchTokens, window: window)
    let answering = try cached(language)
    let clock = ContinuousClock()
    let start = clock.now
    let results = try evaluated(chosen, on: answering)
    let report = EvaluationReport(
      model: checkpoint.path, identity: language.identity, dtype: "\(loaded.dtype)",
      device: "\(runtime.device)", fewShot: fewShot, limit: limit,
      seconds: ProgressLine.seconds(clock.now - start), results: results)
    try publish(report, earlier)
  }

  private func cached(_ model: HybridLanguageModel) throws -> any LanguageModel {
    if noCache { return model }
    let path = cache ?? "\(Self.cacheFolder)/jet/eval/\(model.identity).jsonl"
    let answers = try ResponseCache(path)
    if answers.count > 0 {
      Terminal.note("[\(Numbers.grouped(answers.count)) answers in \(path)]")
    }
    return CachedLanguageModel(model, cache: answers)
  }

  private static var cacheFolder: String {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") { return folder }
    return FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache").path
  }

  private func evaluated(
    _ tasks: [EvaluationTask], on model: any LanguageModel
  ) throws -> [TaskResult] {
    var line = ProgressLine(isTerminal: isatty(STDERR_FILENO) == 1)
    do {
      return try tasks.map { task in
        line.begin()
        let cached = model as? CachedLanguageModel
        let before = cached?.foundAnswers ?? 0
        return try evaluate(task, on: model) { progress in
          line.show(progress, known: (cached?.foundAnswers ?? 0) - before)
          if Interrupt.isRaised { throw CancellationError() }
        }
      }
    } catch is CancellationError {
      Terminal.note(
        noCache
          ? "\nInterrupted; nothing is reported."
          : "\nInterrupted; the answers so far are kept, and the same command goes on from there.")
      throw ExitCode(Interrupt.exitCode)
    }
  }

  private func publish(_ report: EvaluationReport, _ earlier: EvaluationReport?) throws {
    var text = report.table
    for remark in report.remarks { text += "\n\(remark)" }
    if let earlier, let compare {
      let differences = try report.differences(from: earlier)
      text += "\n\n"
      text +=
        differences.isEmpty
        ? "\(compare) has none of these tasks."
        : EvaluationReport.table(differences, from: compare)
    }
    if json {
      Terminal.note(text)
      try Terminal.print(jsonLine(report))
    } else {
      try Terminal.print(text)
    }
    if let output {
      try AtomicFile.write(Data((try jsonLine(report) + "\n").utf8), to: URL(filePath: output))
    }
  }
}
