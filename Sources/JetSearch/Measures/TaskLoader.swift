import Foundation
import JetEvaluation
import JetText

/// Writes out the questions that a configuration names.
struct TaskLoader {
  let tokenizer: Tokenizer
  /// Of the built-in tasks' files.
  let folder: String?
  let seed: UInt64

  /// The tasks of a reference: one, or of generated ones one for each length.
  ///
  /// - Throws: ``SearchError`` for files that are not there, `EvaluationError` for one that is wrong.
  func tasks(_ reference: TaskReference) throws -> [EvaluationTask] {
    if TaskReference.generated.contains(reference.task) { return try generated(reference) }
    var task: EvaluationTask
    if reference.isFile {
      task = try TaskDescription(contentsOf: reference.task).task(fewShotCount: reference.fewShot)
    } else {
      guard let folder, FileManager.default.fileExists(atPath: "\(folder)/\(reference.task).jsonl"),
        let description = try BuiltInTasks.description(reference.task, folder: folder)
      else {
        throw SearchError(
          "the files of \(reference.task) are not in \(folder ?? "'evaluation.folder', which is not set"); "
            + "run 'make setup-eval' or name their folder")
      }
      task = try description.task(fewShotCount: reference.fewShot)
    }
    if let items = reference.items { task = task.limited(to: items) }
    return [task]
  }

  /// One task of all questions of a reference.
  func joined(_ reference: TaskReference, name: String) throws -> EvaluationTask {
    let all = try tasks(reference)
    guard all.count > 1 else { return all[0] }
    switch all[0].questions {
    case .choices(_, let normalization):
      let items = all.flatMap { task -> [ChoiceItem] in
        guard case .choices(let items, _) = task.questions else { return [] }
        return items.map { item in
          var item = item
          item.id = "\(task.name)/\(item.id)"
          return item
        }
      }
      return EvaluationTask(
        name: name, questions: .choices(items, normalization), metric: all[0].metric)
    case .completions:
      let items = all.flatMap { task -> [CompletionItem] in
        guard case .completions(let items) = task.questions else { return [] }
        return items.map { item in
          var item = item
          item.id = "\(task.name)/\(item.id)"
          return item
        }
      }
      return EvaluationTask(name: name, questions: .completions(items), metric: all[0].metric)
    case .texts: return all[0]
    }
  }

  private func generated(_ reference: TaskReference) throws -> [EvaluationTask] {
    let parts = reference.task.split(separator: "-")
    guard let family = RetrievalTask.Family(rawValue: String(parts[0])) else { return [] }
    return try (reference.lengths ?? [512]).map { length in
      try RetrievalTask(
        family, tokens: length, itemsPerDepth: reference.items ?? 20, isWritten: parts.count > 1,
        seed: seed
      ).task { tokenizer.encode($0, parseSpecialTokens: false).count }
    }
  }
}
