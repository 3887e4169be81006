import Foundation
import JetTensor

/// Looks for what a configuration names, before anything begins.
enum FileCheck {
  /// - Throws: ``SearchError`` for the first file that cannot be read, and for an unknown device.
  static func expectFiles(_ configuration: SearchConfiguration) throws(SearchError) {
    guard Device(name: configuration.device) != nil else {
      throw SearchError("'device' is \(configuration.device); give cpu, cuda or cuda:1")
    }
    func expect(_ key: String, _ paths: [String]) throws(SearchError) {
      for path in paths where !FileManager.default.isReadableFile(atPath: path) {
        throw SearchError("'\(key)' names \(path), which cannot be read; mend the path")
      }
    }
    try expect("data.train", configuration.data.train)
    try expect("data.validation", configuration.data.validation)
    try expect("evaluation.perplexity", configuration.evaluation.perplexity)
    let objectives = configuration.placement.objectives.compactMap(\.task)
    for task in configuration.evaluation.tasks + objectives {
      if task.isFile {
        try expect("task", [task.task])
      } else if !TaskReference.generated.contains(task.task) {
        guard let folder = configuration.evaluation.folder else {
          throw SearchError(
            "the task \(task.task) needs the files of 'make setup-eval'; run it, or set "
              + "'evaluation.folder'")
        }
        try expect("evaluation.folder", ["\(folder)/\(task.task).jsonl"])
      }
    }
  }
}
