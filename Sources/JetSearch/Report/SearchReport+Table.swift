import Foundation
import JetReport

extension SearchReport {
  /// Teacher, uniform and searched model side by side, a line a measure.
  ///
  /// - Throws: ``SearchError`` when the run has no scores yet.
  public func table() throws -> String {
    let content = try content()
    guard let first = content.comparison.first else {
      throw SearchError("the run has no scores yet; go on with 'jet postnas resume'")
    }
    let models = content.comparison
    var rows = [[""] + models.map(\.name)]
    func number(_ value: Double) -> String {
      abs(value) < 1000 ? decimals(value, 4) : decimals(value, 1)
    }
    for task in first.scores.map(\.task) {
      rows.append(
        [task]
          + models.map { model in
            guard let score = model.scores.first(where: { $0.task == task })?.score else {
              return "-"
            }
            return number(score.value)
              + (score.standardError.map { " ± " + number($0) } ?? "")
          })
    }
    rows.append(["perplexity"] + models.map { $0.perplexity.map { number($0.value) } ?? "-" })
    for curve in content.contexts.first?.points ?? [] {
      func cells(_ value: (Int) -> String) -> [String] { models.indices.map(value) }
      func point(_ index: Int) -> (state: String, decode: String) {
        let own =
          content.contexts.indices.contains(index)
          ? content.contexts[index].points.first { $0.context == curve.context } : nil
        return (
          own?.cacheBytes.map { gigabytes($0) } ?? "-",
          own?.decodeTokensPerSecond.map { decimals($0.value, 1) } ?? "-"
        )
      }
      rows.append(["state at \(curve.context)"] + cells { point($0).state })
      rows.append(["tok/s at \(curve.context)"] + cells { point($0).decode })
    }
    let chosen =
      content.chosenPlacement.map { placement in
        "placement  \(placement); L is \(content.chosenBlock ?? "linear")\n"
      } ?? ""
    return TextTable.aligned(rows) + "\n" + chosen
      + "report     \(folder.report.path)\n" + content.notes.joined(separator: "\n")
  }
}
