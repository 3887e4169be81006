extension ReportPage {
  /// The sizes of the chosen block.
  var grid: Section {
    Section(
      anchor: "grid", title: "Sizes of the block",
      introduction:
        "Widths and heads of the chosen block: rate against score. On the Pareto front no other "
        + "point is both faster and better.",
      parts: content.grid.isEmpty ? [] : [gridChart, gridTable].filter { $0 != .empty })
  }

  private var gridChart: Markup {
    let points = content.grid.compactMap { row -> ScatterChart.Point? in
      guard let rate = row.tokensPerSecond, let score = row.score else { return nil }
      return ScatterChart.Point(
        x: rate, y: score, name: "\(row.headCount) heads of \(row.keyWidth) × \(row.valueWidth)",
        isOnFront: row.isOnFront, isChosen: row.isChosen)
    }
    guard points.contains(where: { $0.x.shown != nil && $0.y.shown != nil }) else { return .empty }
    let chart = ScatterChart(
      description: "Rate against score of the sizes of the block", across: "decode, tokens/s",
      up: TaskColumns.title("score", points.map(\.y)), points: points)
    return Section.figures([chart.markup])
  }

  private var gridTable: Markup {
    Table(
      "Sizes that were compared", names: ["Heads × key × value", "Pareto front"],
      numbers: ["Parameters", "State of a layer", "Decode, tokens/s", "Score"],
      rows: content.grid.map { row in
        Table.Row(
          cells: [
            Section.chosen("\(row.headCount) × \(row.keyWidth) × \(row.valueWidth)", row.isChosen),
            .text(row.isOnFront ? "yes" : "no"),
            .text(NumberText.prefixed(row.parameterCount.map(Double.init))),
            .text(NumberText.bytes(row.stateBytes)), .text(NumberText.text(row.tokensPerSecond)),
            .text(NumberText.text(row.score)),
          ], isChosen: row.isChosen)
      }
    ).markup
  }
}
