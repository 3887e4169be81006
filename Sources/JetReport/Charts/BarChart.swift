/// Named numbers below one another: bars from zero, or dots on an axis that need not begin there.
struct BarChart {
  /// What stands for a number.
  enum Style: Hashable {
    /// A bar from zero, for rates and sizes.
    case bars
    /// A dot, for scores whose differences are small.
    case dots
  }

  /// A named number.
  struct Row: Hashable {
    /// Its name.
    var name: String
    /// The number; nil where it is not known.
    var value: Estimate?
    /// Whether it is drawn strong.
    var isChosen = false
  }

  /// What it shows, with the unit; written above.
  var title: String
  /// From above to below.
  var rows: [Row]
  /// What stands for a number.
  var style = Style.bars
  /// How the numbers are written.
  var format = Axis.Format.number

  private let width = 440.0
  private let rowHeight = 24.0
  private let top = 28.0

  /// The picture.
  var markup: Markup {
    let values = rows.compactMap(\.value)
    let reach = values.flatMap { estimate -> [Double] in
      guard let value = estimate.shown else { return [] }
      let error = estimate.shownError ?? 0
      return [value - error, value + error]
    }
    let axis = Axis(
      title, style == .bars ? reach.map { max($0, 0) } : reach, format: format,
      from: style == .bars ? 0 : nil, count: 5)
    let names = rows.map { TextWidth.of($0.name, size: nameSize($0)) }.max() ?? 0
    let left = min(max(names, 30) + 10, 180)
    let numbers = rows.map { TextWidth.of(number($0.value), size: 11) }.max() ?? 0
    let right = width - numbers - 14
    let bottom = top + Double(rows.count) * rowHeight + 4
    func across(_ value: Double) -> Double? {
      axis.place(value).map { left + min(max($0, 0), 1) * (right - left) }
    }
    var marks = [
      Drawing.text(TextWidth.clipped(title, to: width, size: 12), 0, 13, class: "label strong")
    ]
    var end = -Double.infinity
    for tick in axis.ticks {
      guard let place = across(tick) else { continue }
      marks.append(Drawing.line(place, top - 2, place, bottom, class: "grid"))
      let text = axis.text(tick)
      let half = TextWidth.of(text, size: 11) / 2
      guard place - half > end + 8 else { continue }
      end = place + half
      marks.append(Drawing.text(text, place, bottom + 14, anchor: "middle"))
    }
    for (index, row) in rows.enumerated() {
      let middle = top + (Double(index) + 0.5) * rowHeight
      marks.append(draw(row, middle, from: left, across))
      marks.append(Drawing.text(number(row.value), width, middle + 4, anchor: "end"))
    }
    return Drawing.picture(
      width: width, height: bottom + 22, description: title, class: "chart", marks)
  }

  /// The size of letters by which a name's width is estimated; bold ones are wider.
  private func nameSize(_ row: Row) -> Double { row.isChosen ? 13 : 12 }

  private func number(_ estimate: Estimate?) -> String {
    guard let estimate, let value = estimate.shown else { return NumberText.dash }
    return format == .number ? NumberText.text(estimate) : format.text(value)
  }

  private func draw(
    _ row: Row, _ middle: Double, from left: Double, _ across: (Double) -> Double?
  ) -> Markup {
    let name = TextWidth.clipped(row.name, to: left - 10, size: nameSize(row))
    var marks = [
      Drawing.text(
        name, left - 8, middle + 4, anchor: "end", class: row.isChosen ? "name strong" : "name")
    ]
    if let estimate = row.value, let value = estimate.shown, let place = across(value) {
      let marker = Marker(index: row.isChosen ? 0 : 7)
      if style == .bars {
        marks.append(
          Drawing.rectangle(left, middle - 7, place - left, 14, class: marker.fill))
      }
      if let error = estimate.shownError, error > 0, let low = across(value - error),
        let high = across(value + error)
      {
        marks.append(
          Drawing.errorBar(
            from: low, to: high, middle, class: style == .bars ? "error ink" : marker.error))
      }
      if style == .dots {
        marks.append(Marker(index: 0).shape(place, middle, radius: 4.5, class: marker.fill))
      }
    }
    let chosen = row.isChosen ? " (chosen)" : ""
    return Drawing.group("\(row.name): \(NumberText.text(row.value))\(chosen)", marks)
  }
}
