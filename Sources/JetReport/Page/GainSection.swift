extension ReportPage {
  /// The model step by step.
  var gains: Section {
    let tasks = TaskColumns.names(content.gains.map(\.scores))
    let table = Table(
      "The model after each step", names: ["Step"], numbers: tasks,
      rows: content.gains.map { step in
        Table.Row(
          cells: [.text(step.name)]
            + tasks.map { .text(NumberText.text(TaskColumns.score($0, in: step.scores))) })
      })
    let charts = TaskColumns.charts(
      content.gains.enumerated().map { index, step in
        (step.name, step.scores, index == content.gains.count - 1)
      })
    return Section(
      anchor: "gains", title: "Gains step by step",
      introduction: "The model after each step of the search, measured alike each time.",
      parts: content.gains.isEmpty ? [] : [table.markup, Section.figures(charts)])
  }
}
