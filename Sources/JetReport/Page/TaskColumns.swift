/// The tasks of several rows of scores.
enum TaskColumns {
  /// Every task once, in the order in which they occur.
  static func names(_ scores: [[TaskScore]]) -> [String] {
    var known: Set<String> = []
    return scores.joined().map(\.task).filter { known.insert($0).inserted }
  }

  /// The score in a task; nil where it was not measured.
  static func score(_ task: String, in scores: [TaskScore]) -> Estimate? {
    scores.first { $0.task == task }?.score
  }

  /// A chart for each task with a dot for each row.
  static func charts(
    _ rows: [(name: String, scores: [TaskScore], isChosen: Bool)]
  ) -> [Markup] {
    names(rows.map(\.scores)).map { task in
      BarChart(
        title: title(task, rows.compactMap { score(task, in: $0.scores) }),
        rows: rows.map { row in
          BarChart.Row(name: row.name, value: score(task, in: row.scores), isChosen: row.isChosen)
        }, style: .dots
      ).markup
    }
  }

  /// The name of a number with its unit.
  static func title(_ name: String, _ estimates: [Estimate]) -> String {
    estimates.contains { $0.unit == .fraction } ? "\(name), %" : name
  }
}
