/// Line charts with logarithmic axes and tables as one HTML page that needs nothing else; the charts are vector
/// pictures, and the page prints on paper.
///
/// Every text in it may be hostile. A curve has one look on the whole page, by its name.
public struct ChartPage: Hashable, Sendable {
  /// A measured number at a context.
  public struct Point: Hashable, Sendable {
    /// Tokens of the context.
    public var context: Int
    /// The number.
    public var value: Double
    /// How it is written beside the point.
    public var label: String
    /// What is shown when the point is pointed at.
    public var title: String

    /// A point; one that is not positive and finite is not drawn.
    public init(context: Int, value: Double, label: String, title: String) {
      (self.context, self.value, self.label, self.title) = (context, value, label, title)
    }
  }

  /// Points with a name, by ascending context.
  public struct Curve: Hashable, Sendable {
    /// The name in the legend.
    public var name: String
    /// By ascending context.
    public var points: [Point]

    /// A curve.
    public init(name: String, points: [Point]) {
      (self.name, self.points) = (name, points)
    }
  }

  /// Curves against the context, both axes logarithmic.
  public struct Chart: Hashable, Sendable {
    /// What stands above it.
    public var caption: String
    /// What stands beside the axis on the left, with the unit.
    public var label: String
    /// A number that the axis on the left covers in any case.
    public var from: Double?
    /// The curves.
    public var curves: [Curve]

    /// A chart.
    public init(caption: String, label: String, from: Double? = nil, curves: [Curve]) {
      (self.caption, self.label, self.from, self.curves) = (caption, label, from, curves)
    }
  }

  /// Numbers in rows and columns.
  public struct Numbers: Hashable, Sendable {
    /// What stands above it.
    public var caption: String
    /// The headings.
    public var columns: [String]
    /// How many of the first columns are names, which stand on the left.
    public var nameCount: Int
    /// A cell a column; an empty one is a number that is not known.
    public var rows: [[String]]

    /// A table.
    ///
    /// - Precondition: every row has a cell for each column.
    public init(caption: String, columns: [String], nameCount: Int, rows: [[String]]) {
      precondition(rows.allSatisfy { $0.count == columns.count }, "a row with other columns")
      (self.caption, self.columns) = (caption, columns)
      (self.nameCount, self.rows) = (nameCount, rows)
    }
  }

  /// The heading.
  public var title: String
  /// What the numbers were measured on.
  public var facts: String
  /// What is to be seen.
  public var introduction: String
  /// The charts, two beside one another where the page is wide enough.
  public var charts: [Chart]
  /// The tables below them.
  public var tables: [Numbers]

  /// A page.
  public init(
    title: String, facts: String, introduction: String, charts: [Chart], tables: [Numbers]
  ) {
    (self.title, self.facts, self.introduction) = (title, facts, introduction)
    (self.charts, self.tables) = (charts, tables)
  }

  /// The page as HTML that is well formed as XML too.
  public func html() -> String {
    var looks: [String: Marker] = [:]
    for curve in charts.flatMap(\.curves) where looks[curve.name] == nil {
      looks[curve.name] = Marker(index: looks.count)
    }
    let figures = Section.figures(
      charts.map { Self.drawn($0, looks) }, captions: charts.map(\.caption))
    return PageFrame.html(
      title: title,
      main: [
        .element(
          "header", [:],
          [.element("h1", text: title), .element("p", ["class": "facts"], text: facts)]),
        .element("p", ["class": "introduction"], text: introduction), figures,
      ] + tables.map(Self.table))
  }

  private static func drawn(_ chart: Chart, _ looks: [String: Marker]) -> Markup {
    let series = chart.curves.map { curve in
      Series(
        name: curve.name,
        points: curve.points.map { point in
          Series.Point(
            x: Double(point.context), y: point.value, title: point.title, label: point.label)
        })
    }
    return LineChart(
      "\(chart.caption) against the context",
      x: Axis(
        "context, tokens", series.flatMap { $0.points.map(\.x) }, scale: .powersOfTwo,
        format: .context),
      y: Axis(
        chart.label, series.flatMap(\.heights), scale: .logarithmic, format: .prefixed,
        from: chart.from), series: series, markers: chart.curves.compactMap { looks[$0.name] }
    ).markup
  }

  private static func table(_ numbers: Numbers) -> Markup {
    Table(
      numbers.caption, names: Array(numbers.columns.prefix(numbers.nameCount)),
      numbers: Array(numbers.columns.dropFirst(numbers.nameCount)),
      rows: numbers.rows.map { row in
        Table.Row(cells: row.map { .text($0.isEmpty ? NumberText.dash : $0) })
      }
    ).markup
  }
}
