extension ReportPage {
  /// What each stage cost.
  var costs: Section {
    let rows = content.costs
    let seconds = rows.compactMap(\.seconds).filter(\.isFinite)
    let tokens = rows.compactMap(\.tokens)
    let flops = rows.compactMap(\.flops).filter(\.isFinite)
    let candidates = rows.compactMap(\.candidates)
    let total = StageCost(
      stage: "total", seconds: seconds.isEmpty ? nil : seconds.reduce(0, +),
      tokens: Self.sum(tokens), flops: flops.isEmpty ? nil : flops.reduce(0, +),
      candidates: Self.sum(candidates))
    return Section(
      anchor: "costs", title: "Cost", introduction: "What each stage of the run cost.",
      parts: rows.isEmpty
        ? []
        : [
          Table(
            "Cost of the stages", names: ["Stage"],
            numbers: ["Time", "Tokens", "Floating-point operations", "Candidates"],
            rows: rows.map { Self.row($0) }
              + (rows.count > 1 ? [Self.row(total, isTotal: true)] : [])
          ).markup
        ])
  }

  /// The sum; nil where there is nothing or it is larger than any `Int`.
  private static func sum(_ counts: [Int]) -> Int? {
    guard !counts.isEmpty else { return nil }
    return counts.reduce(Int?.some(0)) { sum, count in
      let (result, overflows) = (sum ?? 0).addingReportingOverflow(count)
      return sum == nil || overflows ? nil : result
    }
  }

  private static func row(_ cost: StageCost, isTotal: Bool = false) -> Table.Row {
    Table.Row(
      cells: [
        .text(cost.stage), .text(NumberText.duration(cost.seconds)),
        .text(NumberText.prefixed(cost.tokens.map(Double.init))),
        .text(NumberText.prefixed(cost.flops, unit: "FLOP")),
        .text(NumberText.count(cost.candidates)),
      ], isChosen: isTotal)
  }

  /// What the budget of the run cannot show.
  var notes: Section {
    Section(
      anchor: "notes", title: "What this run cannot show",
      introduction: "Read the numbers above with this in mind.",
      parts: content.notes.isEmpty
        ? [] : [.element("ul", [:], content.notes.map { .element("li", text: $0) })])
  }

  /// The resolved configuration.
  var configuration: Section {
    Section(
      anchor: "configuration", title: "Configuration",
      introduction: "All values of the run, defaults included.",
      parts: content.configuration.isEmpty
        ? []
        : [
          .element(
            "details", [:],
            [
              .element("summary", text: "Resolved configuration"),
              .element("pre", [:], [.element("code", text: content.configuration)]),
            ])
        ])
  }
}
