extension ReportPage {
  /// Teacher, uniform and searched model side by side.
  var comparison: Section {
    Section(
      anchor: "comparison", title: "Final comparison",
      introduction:
        "The teacher, the hybrid with evenly spaced attention and the searched hybrid, on the same "
        + "items. Errors are one standard error; differences are taken item by item.",
      parts: content.comparison.isEmpty
        ? []
        : [
          comparisonTable, differenceTable,
          Section.figures(
            TaskColumns.charts(
              content.comparison.map { ($0.name, $0.scores, $0.role == .searched) })),
        ].filter { $0 != .empty })
  }

  private var comparisonTable: Markup {
    let tasks = TaskColumns.names(content.comparison.map(\.scores))
    let place = content.comparisonContext.map { " at \(NumberText.count($0)) tokens" } ?? ""
    return Table(
      "Models", names: ["Model", "Role"],
      numbers: tasks + ["Perplexity", "Memory of a sequence\(place)"],
      rows: content.comparison.map { row in
        Table.Row(
          cells: [.text(row.name), .text(row.role.rawValue)]
            + tasks.map { .text(NumberText.text(TaskColumns.score($0, in: row.scores))) }
            + [.text(NumberText.text(row.perplexity)), .text(NumberText.bytes(row.stateBytes))],
          isChosen: row.role == .searched)
      }
    ).markup
  }

  private var differenceTable: Markup {
    let pairs = content.comparison.flatMap { row -> [(model: ModelRow, other: String)] in
      var known: Set<String> = []
      return row.differences.map(\.other).filter { known.insert($0).inserted }.map { (row, $0) }
    }
    guard !pairs.isEmpty else { return .empty }
    var known: Set<String> = []
    let tasks = pairs.flatMap { $0.model.differences.map(\.task) }
      .filter { known.insert($0).inserted }
    return Table(
      "Paired differences", names: ["Difference"], numbers: tasks,
      rows: pairs.map { pair in
        Table.Row(
          cells: [.text("\(pair.model.name) − \(pair.other)")]
            + tasks.map { task in
              let difference = pair.model.differences.first {
                $0.task == task && $0.other == pair.other
              }
              return .text(NumberText.text(difference?.difference, signed: true))
            })
      }
    ).markup
  }
}
