extension ReportPage {
  /// Rates and bytes against the context.
  var context: Section {
    let curves = content.contexts.filter { !$0.points.isEmpty }
    let charts = [
      Self.chart("decode, tokens/s", curves, format: .prefixed) { $0.decodeTokensPerSecond },
      Self.chart("prefill, tokens/s", curves, format: .prefixed) { $0.prefillTokensPerSecond },
      Self.chart("memory of a sequence, bytes", curves, format: .bytes) { point in
        point.cacheBytes.map { Estimate(Double($0)) }
      },
    ].compactMap(\.self)
    return Section(
      anchor: "context", title: "Rates and memory against the context",
      introduction: "One sequence, both axes logarithmic. Bars are one standard error.",
      parts: curves.isEmpty ? [] : [Section.figures(charts), Self.table(curves)])
  }

  private static func chart(
    _ label: String, _ curves: [ContextCurve], format: Axis.Format,
    value: (ContextPoint) -> Estimate?
  ) -> Markup? {
    let series = curves.map { curve in
      Series(
        name: curve.model,
        points: curve.points.compactMap { point in
          guard let estimate = value(point), let shown = estimate.shown, shown > 0,
            point.context > 0
          else {
            return nil
          }
          let text = format == .bytes ? NumberText.bytes(shown) : NumberText.text(estimate)
          return Series.Point(
            x: Double(point.context), y: shown, error: estimate.shownError,
            title: "\(curve.model), \(NumberText.count(point.context)) tokens: \(text)")
        })
    }
    guard series.contains(where: { !$0.points.isEmpty }) else { return nil }
    let places = series.flatMap { $0.points.map(\.x) }
    return LineChart(
      "\(label) against the context",
      x: Axis("context, tokens", places, scale: .powersOfTwo, format: .context),
      y: Axis(
        label, series.flatMap(\.heights), scale: format == .bytes ? .powersOfTwo : .logarithmic,
        format: format), series: series, markers: curves.map { marker($0.role) }
    ).markup
  }

  private static func marker(_ role: ModelRole) -> Marker {
    switch role {
    case .searched: Marker(index: 0)
    case .teacher: Marker(index: 1)
    case .uniform: Marker(index: 7)
    }
  }

  private static func table(_ curves: [ContextCurve]) -> Markup {
    let contexts = Set(curves.flatMap { $0.points.map(\.context) }).sorted()
    return Table(
      "Rates and memory", names: [],
      numbers: ["Context, tokens"]
        + curves.flatMap { curve in
          ["prefill, tokens/s", "decode, tokens/s", "memory"].map { "\(curve.model): \($0)" }
        },
      rows: contexts.map { context in
        Table.Row(
          cells: [.text(NumberText.count(context))]
            + curves.flatMap { curve -> [Markup] in
              let point = curve.points.first { $0.context == context }
              return [
                .text(NumberText.text(point?.prefillTokensPerSecond)),
                .text(NumberText.text(point?.decodeTokensPerSecond)),
                .text(NumberText.bytes(point?.cacheBytes)),
              ]
            })
      }
    ).markup
  }
}
