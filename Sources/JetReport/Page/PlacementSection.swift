extension ReportPage {
  /// What the strategies found.
  var placement: Section {
    Section(
      anchor: "placement", title: "Placement of attention",
      introduction:
        "The best placement of each strategy, against layers spaced evenly. Bars are one standard "
        + "error; differences are taken item by item and so may be surer than the scores themselves.",
      parts: content.placements.isEmpty
        ? [] : [Section.figures(placementCharts), placementTable])
  }

  private var placementCharts: [Markup] {
    var known: Set<[String]> = []
    let groups = content.placements.map { [$0.objective, $0.placed] }
      .filter { known.insert($0).inserted }
    return groups.map { group in
      let rows = content.placements.filter { [$0.objective, $0.placed] == group }
      return placementChart(rows, objective: group[0], placed: group[1])
    }
  }

  private func placementChart(
    _ rows: [PlacementRow], objective: String, placed: String
  ) -> Markup {
    var known: Set<String> = []
    let strategies = rows.map(\.strategy).filter { known.insert($0).inserted }
    let series = strategies.map { strategy in
      Series(
        name: strategy,
        points: rows.filter { $0.strategy == strategy }.sorted { $0.count < $1.count }
          .map { row in
            Series.Point(
              x: Double(row.count), y: row.score.shown ?? .nan, error: row.score.shownError,
              title: "\(strategy), \(row.count) layers: \(NumberText.text(row.score))")
          })
    }
    var searched = 0
    let markers = strategies.map { strategy -> Marker in
      if strategy == PlacementRow.uniformStrategy { return Marker(index: 7) }
      searched += 1
      return Marker(index: (searched - 1) % 7)
    }
    return LineChart(
      "Score by \(objective) against the number of layers with \(placed) attention",
      x: Axis("layers with \(placed) attention", rows.map { Double($0.count) }, isWhole: true),
      y: Axis(
        TaskColumns.title("score by \(objective)", rows.map(\.score)), series.flatMap(\.heights)),
      series: series, markers: markers, isSpread: true
    ).markup
  }

  /// The table; behind a line to click on where it is long.
  private var placementTable: Markup {
    let count = content.placements.count
    guard count > Self.mostOpenRows else { return allPlacements }
    return .element(
      "details", [:], [.element("summary", text: "All \(count) placements"), allPlacements])
  }

  private static let mostOpenRows = 16

  private var allPlacements: Markup {
    Table(
      "Placements that were found",
      names: ["Objective", "Strategy", "Placed", "Placement"],
      numbers: ["Layers", "Score", "Difference to uniform"],
      rows: content.placements.map { row in
        let isChosen = row.placement == content.chosenPlacement
        return Table.Row(
          cells: [
            .text(row.objective), Section.chosen(row.strategy, isChosen), .text(row.placed),
            LayerStrip(placement: row.placement).small, .text(NumberText.count(row.count)),
            .text(NumberText.text(row.score)),
            .text(NumberText.text(row.differenceToUniform, signed: true)),
          ], isChosen: isChosen)
      }
    ).markup
  }
}
