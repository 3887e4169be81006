extension ReportPage {
  /// Losses of all training.
  var losses: Section {
    var known: Set<String> = []
    let curves = content.losses.filter { !$0.points.isEmpty }
    let stages = curves.map(\.stage).filter { known.insert($0).inserted }
    return Section(
      anchor: "losses", title: "Losses",
      introduction:
        "The loss against the tokens that were trained on, a chart for each stage. Axes are "
        + "logarithmic where values span a wide range; of long runs the mean of neighbouring steps is drawn over "
        + "their range.",
      parts: stages.isEmpty
        ? []
        : [
          Section.figures(
            stages.map { stage in Self.chart(curves.filter { $0.stage == stage }) },
            captions: stages)
        ])
  }

  private static func chart(_ curves: [LossCurve]) -> Markup {
    let series = curves.map { curve in
      Series(
        name: curve.name,
        points: curve.points.map { point in
          Series.Point(
            x: point.tokens, y: point.loss,
            title: "\(curve.name), \(NumberText.prefixed(point.tokens)) tokens: "
              + NumberText.number(point.loss))
        })
    }
    let tokens = curves.flatMap { $0.points.map(\.tokens) }
    let heights = series.flatMap(\.heights)
    return LineChart(
      "Loss against tokens",
      x: Axis("tokens", tokens, scale: Axis.scale(for: tokens, factor: 300), format: .prefixed),
      y: Axis("loss", heights, scale: Axis.scale(for: heights, factor: 20)), series: series
    ).markup
  }
}
