/// A table of cells whose depth of colour is a number; each row has its own scale.
struct HeatMap {
  /// A row of cells.
  struct Row: Hashable {
    /// Its name.
    var name: String
    /// One a column.
    var values: [Estimate]
  }

  /// What it shows, for those who cannot see it.
  var description: String
  /// What a column is, such as `Layer`.
  var column: String
  /// From above to below; they may have unequally many columns.
  var rows: [Row]
  /// The columns that are marked below, counted from 0, with the class and letter of the mark.
  var marked: [Int: (letter: String, name: String)] = [:]

  private let cell = (width: 20.0, height: 26.0)
  private let top = 4.0

  /// The picture with the legend of its colours.
  var markup: Markup {
    let columns = rows.map(\.values.count).max() ?? 0
    let longest = rows.map { TextWidth.of($0.name, size: 12) }.max() ?? 0
    let left = min(max(longest, TextWidth.of(column, size: 11)) + 10, 170)
    let bottom = top + Double(rows.count) * (cell.height + 2)
    var marks = rows.enumerated().flatMap { draw($1, at: $0, left: left) }
    for index in 0..<columns {
      let middle = left + (Double(index) + 0.5) * cell.width
      if columns <= 12 || index.isMultiple(of: 2) {
        marks.append(Drawing.text("\(index)", middle, bottom + 13, anchor: "middle"))
      }
      if let mark = marked[index] {
        marks.append(
          Drawing.group(
            "\(column) \(index): \(mark.name)",
            [
              Drawing.text(
                mark.letter, middle, bottom + 28, anchor: "middle", class: "name strong")
            ]))
      }
    }
    marks.append(Drawing.text(column, left - 8, bottom + 13, anchor: "end"))
    if !marked.isEmpty {
      marks.append(Drawing.text("chosen", left - 8, bottom + 28, anchor: "end"))
    }
    let picture = Drawing.picture(
      width: left + Double(columns) * cell.width + 4, height: bottom + 34,
      description: description, class: "chart natural", marks)
    return .joined([.element("div", ["class": "scroll"], [picture]), legend])
  }

  private func draw(_ row: Row, at index: Int, left: Double) -> [Markup] {
    let y = top + Double(index) * (cell.height + 2)
    let finite = row.values.compactMap(\.shown)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
    let name = TextWidth.clipped(row.name, to: left - 10, size: 12)
    var marks = [
      Drawing.group(
        row.name,
        [Drawing.text(name, left - 8, y + cell.height / 2 + 4, anchor: "end", class: "name")])
    ]
    for (layer, value) in row.values.enumerated() {
      let x = left + Double(layer) * cell.width
      let title = "\(row.name), \(column.lowercased()) \(layer): \(NumberText.text(value))"
      guard let shown = value.shown else {
        marks.append(
          Drawing.group(
            title,
            [
              Drawing.rectangle(x, y, cell.width - 1, cell.height, class: "void"),
              Drawing.text(
                NumberText.dash, x + cell.width / 2 - 0.5, y + cell.height / 2 + 4, anchor: "middle"
              ),
            ]))
        continue
      }
      let share = high > low ? (shown - low) / (high - low) : 0.5
      marks.append(
        Drawing.rectangle(
          x, y, cell.width - 1, cell.height, class: "heat", opacity: Self.opacity(share),
          title: title))
    }
    return marks
  }

  private static func opacity(_ share: Double) -> Double { 0.06 + 0.94 * share }

  private var legend: Markup {
    let steps = 12
    let scale = Drawing.picture(
      width: Double(steps) * 10, height: 12, description: "from the least to the greatest",
      class: "key",
      (0..<steps).map { step in
        Drawing.rectangle(
          Double(step) * 10, 0, 10, 12, class: "heat",
          opacity: Self.opacity(Double(step) / Double(steps - 1)))
      })
    let ranges = rows.compactMap { row -> Markup? in
      let known = row.values.filter { $0.shown != nil }
      guard let low = known.min(by: { $0.value < $1.value }),
        let high = known.max(by: { $0.value < $1.value })
      else { return nil }
      return .element(
        "li", text: "\(row.name): \(NumberText.text(low)) to \(NumberText.text(high))")
    }
    return .joined([
      .element(
        "p", ["class": "legend"],
        [
          .text("least "), scale, .text(" greatest of the row; each row has its own scale:"),
        ]), .element("ul", ["class": "legend"], ranges),
    ])
  }
}
