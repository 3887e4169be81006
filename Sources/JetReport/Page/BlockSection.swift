extension ReportPage {
  /// The linear blocks that were compared.
  var blocks: Section {
    Section(
      anchor: "blocks", title: "Linear blocks",
      introduction: "Models that differ only in the block of their linear layers, trained alike.",
      parts: Self.comparison(content.blocks, caption: "Scores, rates and sizes of the blocks"))
  }

  /// What changes of the chosen block do.
  var ablations: Section {
    Section(
      anchor: "ablations", title: "Changes of the chosen block",
      introduction: "The chosen block with one thing changed at a time, trained alike.",
      parts: Self.comparison(
        content.ablations, caption: "Scores, rates and sizes of the changed blocks"))
  }

  private static func comparison(_ rows: [BlockRow], caption: String) -> [Markup] {
    guard !rows.isEmpty else { return [] }
    let tasks = TaskColumns.names(rows.map(\.scores))
    let table = Table(
      caption, names: ["Block"],
      numbers: ["Parameters"] + tasks
        + ["Training, tokens/s", "Prefill, tokens/s", "Decode, tokens/s", "State of a layer"],
      rows: rows.map { row in
        let scores = tasks.map {
          Markup.text(NumberText.text(TaskColumns.score($0, in: row.scores)))
        }
        let rates = [
          row.trainingTokensPerSecond, row.prefillTokensPerSecond, row.decodeTokensPerSecond,
        ].map { Markup.text(NumberText.text($0)) }
        return Table.Row(
          cells: [
            Section.chosen(row.name, row.isChosen),
            .text(NumberText.prefixed(row.parameterCount.map(Double.init))),
          ] + scores + rates + [.text(NumberText.bytes(row.stateBytes))], isChosen: row.isChosen)
      })
    let charts =
      TaskColumns.charts(rows.map { ($0.name, $0.scores, $0.isChosen) })
      + [
        bars("Training, tokens/s", rows, \.trainingTokensPerSecond),
        bars("Prefill, tokens/s", rows, \.prefillTokensPerSecond),
        bars("Decode, tokens/s", rows, \.decodeTokensPerSecond),
      ].compactMap(\.self)
    return [table.markup, Section.figures(charts)]
  }

  private static func bars(
    _ title: String, _ rows: [BlockRow], _ rate: KeyPath<BlockRow, Estimate?>
  ) -> Markup? {
    guard rows.contains(where: { $0[keyPath: rate]?.shown != nil }) else { return nil }
    return BarChart(
      title: title,
      rows: rows.map { row in
        BarChart.Row(name: row.name, value: row[keyPath: rate], isChosen: row.isChosen)
      }
    ).markup
  }
}
