import Foundation
import JetEvaluation
import enum JetReport.TextTable

/// What an evaluation found; also the form of the file that `--output` writes and `--compare` reads.
struct EvaluationReport: Codable {
  let model: String
  /// Names the weights; results of the same are of the same model.
  let identity: String
  let dtype: String
  let device: String
  let fewShot: Int?
  let limit: Int?
  let seconds: Double
  let results: [TaskResult]

  /// A table for people, the metric to look at first marked.
  var table: String {
    var rows = [["task", "items", "metric", "score", "± error"]]
    for result in results {
      let metrics = result.scores.keys.sorted {
        ($0 != result.primaryMetric ? 1 : 0, $0) < ($1 != result.primaryMetric ? 1 : 0, $1)
      }
      for metric in metrics {
        guard let score = result.scores[metric] else { continue }
        let isFirst = metric == result.primaryMetric
        rows.append([
          isFirst ? result.task : "", isFirst ? Numbers.grouped(score.count) : "",
          metric + (isFirst ? " *" : ""), Self.number(score.value),
          score.standardError.map(Self.number) ?? "",
        ])
      }
    }
    return TextTable.aligned(rows, texts: [0, 2])
  }

  /// What a reader of the table has to know besides it.
  var remarks: [String] {
    results.compactMap { result in
      let cut = result.items.filter { $0.droppedTokens > 0 }.count
      return cut == 0
        ? nil
        : "\(result.task): \(Numbers.grouped(cut)) of \(Numbers.grouped(result.items.count)) items did "
          + "not fit the model and lost the beginning of their context."
    }
  }

  /// The differences from an earlier report, item by item, of the tasks that both have.
  ///
  /// - Throws: `EvaluationError` when a task has no items in common.
  func differences(from earlier: EvaluationReport) throws -> [PairedDifference] {
    try results.compactMap { result in
      try earlier.results.first { $0.task == result.task }
        .map { try PairedDifference(from: $0, to: result) }
    }
  }

  /// A table of differences.
  static func table(_ differences: [PairedDifference], from name: String) -> String {
    var rows = [["task", "items", "metric", "difference", "± error"]]
    for own in differences {
      rows.append([
        own.task, Numbers.grouped(own.difference.count), own.metric,
        (own.difference.value > 0 ? "+" : "") + number(own.difference.value),
        own.difference.standardError.map(number) ?? "",
      ])
    }
    return "compared item by item with \(name):\n"
      + TextTable.aligned(rows, texts: [0, 2])
  }

  /// Reads what ``write(to:)`` wrote.
  ///
  /// - Throws: ``CommandError`` naming the file.
  init(contentsOf path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandError("\(path) cannot be read; give a file that `jet eval --output` wrote.")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(EvaluationReport.self, from: data)
    } catch {
      throw CommandError("\(path) is no report of `jet eval`; give a file that --output wrote.")
    }
  }

  init(
    model: String, identity: String, dtype: String, device: String, fewShot: Int?, limit: Int?,
    seconds: Double, results: [TaskResult]
  ) {
    self.model = model
    self.identity = identity
    self.dtype = dtype
    self.device = device
    self.fewShot = fewShot
    self.limit = limit
    self.seconds = seconds
    self.results = results
  }

  private static func number(_ value: Double) -> String {
    abs(value) < 100 ? String(format: "%.4f", value) : Numbers.short(value)
  }
}
