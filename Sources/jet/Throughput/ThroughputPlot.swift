import JetReport

/// Draws what `jet throughput` found.
struct ThroughputPlot {
  private let report: ThroughputReport
  private let models: [String]

  /// A plot of the rows of a report.
  init(_ report: ThroughputReport) {
    self.report = report
    var known: Set<String> = []
    models = report.rows.map(\.model).filter { known.insert($0).inserted }
  }

  /// The plot as one HTML page with vector pictures.
  func html() -> String {
    // Beside the rates what they are against the baseline.
    let charts = batches.flatMap { [decode($0), speedUp($0)].compactMap(\.self) }
    return ChartPage(
      title: "Throughput against context", facts: report.heading, introduction: introduction,
      charts: charts, tables: tables
    ).html()
  }

  /// Which rows a chart shows.
  private struct Batch {
    /// Such as `one sequence`.
    let name: String
    /// At most one row a model and context.
    let rows: [ThroughputRow]
  }

  /// The largest batch of each model and context, and one sequence; each only where there is one.
  private var batches: [Batch] {
    let largest = models.flatMap { model in
      let own = report.rows.filter { $0.model == model }
      return Set(own.map(\.context)).sorted().compactMap { context in
        own.filter { $0.context == context }.max { $0.batch < $1.batch }
      }
    }
    let one = report.rows.filter { $0.batch == 1 }
    return [
      Batch(name: "largest batch", rows: largest.contains { $0.batch > 1 } ? largest : []),
      Batch(name: "one sequence", rows: one),
    ].filter { !$0.rows.isEmpty }
  }

  private func decode(_ batch: Batch) -> ChartPage.Chart {
    ChartPage.Chart(
      caption: "Decode, \(batch.name)", label: "tokens/s",
      curves: curves(batch) { row in
        let rate = Numbers.short(row.decodeTokensPerSecond.median)
        return (row.decodeTokensPerSecond.median, rate, "\(rate) tokens/s")
      })
  }

  /// Nil where nothing can be compared.
  private func speedUp(_ batch: Batch) -> ChartPage.Chart? {
    guard let baseline = report.baseline else { return nil }
    let speedUps = report.speedUps
    let curves = curves(batch) { row in
      let own = speedUps.first {
        $0.model == row.model && $0.context == row.context && $0.batch == row.batch
      }
      return own.map { own in
        let text = Numbers.short(own.decode) + "×"
        return (own.decode, text, "\(text) the rate of \(baseline)")
      }
    }
    guard !curves.isEmpty else { return nil }
    return ChartPage.Chart(
      caption: "Decode over \(baseline), \(batch.name)", label: "times \(baseline)", from: 1,
      curves: curves)
  }

  /// A curve for each model that has values.
  private func curves(
    _ batch: Batch, value: (ThroughputRow) -> (value: Double, label: String, title: String)?
  ) -> [ChartPage.Curve] {
    models.compactMap { model in
      let points = batch.rows.filter { $0.model == model }.sorted { $0.context < $1.context }
        .compactMap { row in
          value(row).map { own in
            ChartPage.Point(
              context: row.context, value: own.value, label: own.label,
              title: "\(model), \(Numbers.grouped(row.batch)) × \(Numbers.grouped(row.context)) "
                + "tokens: \(own.title)")
          }
        }
      return points.isEmpty ? nil : ChartPage.Curve(name: model, points: points)
    }
  }

  private var introduction: String {
    "Tokens chosen in a second by all sequences together, medians; all axes logarithmic. The "
      + "largest batch is that of each model at each context, in the first table."
  }

  private var tables: [ChartPage.Numbers] {
    let measured = ChartPage.Numbers(
      caption: "Measured (\(ThroughputReport.footnote))", columns: ThroughputReport.columns,
      nameCount: 1, rows: report.cells)
    let compared = ChartPage.Numbers(
      caption: "Compared with the last model", columns: ThroughputReport.comparisonColumns,
      nameCount: 2, rows: report.comparisonCells)
    return [measured] + (compared.rows.isEmpty ? [] : [compared])
  }
}
