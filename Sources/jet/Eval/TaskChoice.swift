import Foundation
import JetEvaluation
import JetText

/// The tasks that names on the command line mean.
struct TaskChoice {
  /// Values for generated retrieval tasks.
  struct Retrieval {
    var lengths: [Int]
    var depths: [Int]
    var needles: Int
    var itemsPerDepth: Int
    var seed: UInt64
  }

  /// Names that stand for generated tasks: `recall`, `needle`, and `-written` behind each.
  static let generated = RetrievalTask.Family.allCases.flatMap {
    [$0.rawValue, "\($0.rawValue)-written"]
  }

  /// Folders that may hold the files of the built-in tasks, in order.
  let folders: [String]
  let retrieval: Retrieval
  let fewShot: Int?
  let limit: Int?

  /// The tasks of a list of names, in order, each once.
  ///
  /// - Throws: ``CommandError`` for an unknown name, `EvaluationError` for a file that is wrong.
  func tasks(_ names: [String], tokenizer: Tokenizer) throws -> [EvaluationTask] {
    let expanded = names.flatMap { $0 == "all" ? BuiltInTasks.names : [$0] }
    var seen: Set<String> = []
    let tasks = try expanded.filter { seen.insert($0).inserted }
      .flatMap { try self.tasks($0, tokenizer) }
    var taken: Set<String> = []
    if let twice = tasks.first(where: { !taken.insert($0.name).inserted }) {
      throw CommandError(
        "Two tasks are called \(twice.name); give one of them another `name` in its YAML file.")
    }
    return tasks.map { task in limit.map { task.limited(to: $0) } ?? task }
  }

  private func tasks(_ name: String, _ tokenizer: Tokenizer) throws -> [EvaluationTask] {
    if Self.generated.contains(name) { return try generated(name, tokenizer) }
    if BuiltInTasks.names.contains(name) {
      let folder = folders.first {
        FileManager.default.fileExists(atPath: "\($0)/\(name).jsonl")
      }
      guard let folder else {
        throw CommandError(
          "The files of \(name) were not fetched yet (looked in \(folders.joined(separator: ", "))); "
            + "run `make setup-eval`, or give their folder with --data.")
      }
      let description = try BuiltInTasks.description(name, folder: folder)
      return try [description].compactMap { try $0?.task(fewShotCount: fewShot) }
    }
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
      return [try TaskDescription(contentsOf: name).task(fewShotCount: fewShot)]
    }
    if name.hasSuffix(".txt") {
      let title = URL(filePath: name).deletingPathExtension().lastPathComponent
      return [try TaskDescription.perplexity(ofFile: name, name: title).task()]
    }
    let known = BuiltInTasks.names + Self.generated + ["all"]
    throw CommandError(
      "There is no task \(name); give one of \(known.joined(separator: ", ")), a task's .yaml file, or "
        + "a .txt file for its perplexity.")
  }

  private func generated(_ name: String, _ tokenizer: Tokenizer) throws -> [EvaluationTask] {
    let parts = name.split(separator: "-")
    guard let family = RetrievalTask.Family(rawValue: String(parts[0])) else { return [] }
    return try retrieval.lengths.map { length in
      try RetrievalTask(
        family, tokens: length, depths: retrieval.depths, needles: retrieval.needles,
        itemsPerDepth: retrieval.itemsPerDepth, isWritten: parts.count > 1, seed: retrieval.seed
      ).task { tokenizer.encode($0, parseSpecialTokens: false).count }
    }
  }

  /// `.deps/eval` of the current folder and of those above the executable.
  static func fetchedFolders(
    currentFolder: String = FileManager.default.currentDirectoryPath,
    executable: String? = Bundle.main.executablePath
  ) -> [String] {
    let models = ModelLocator(
      environment: [:], currentFolder: currentFolder, executable: executable)
    return models.folders.map {
      URL(filePath: $0).deletingLastPathComponent().appending(path: "eval").path
    }
  }
}
