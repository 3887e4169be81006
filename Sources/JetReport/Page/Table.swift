/// A table that scrolls where it is wider than the page.
struct Table {
  /// A heading with the side on which its cells stand.
  struct Column {
    /// The heading.
    var name: String
    /// Whether its cells are numbers, which stand on the right.
    var isNumber = true
  }

  /// A row of cells, one a column.
  struct Row {
    /// The cells.
    var cells: [Markup]
    /// Whether it is drawn strong.
    var isChosen = false
  }

  /// What it shows.
  var caption: String
  /// The headings.
  var columns: [Column]
  /// From above to below.
  var rows: [Row]

  /// A table whose first `names` columns are names and whose others are numbers.
  init(_ caption: String, names: [String], numbers: [String], rows: [Row]) {
    self.caption = caption
    columns = names.map { Column(name: $0, isNumber: false) } + numbers.map { Column(name: $0) }
    self.rows = rows
  }

  /// The table; columns of numbers that no row has are named below instead.
  var markup: Markup {
    let empty = columns.indices.filter { column in
      columns[column].isNumber && rows.allSatisfy { $0.cells[column] == .text(NumberText.dash) }
    }
    guard !empty.isEmpty, !rows.isEmpty else { return full }
    var short = self
    for column in empty.reversed() {
      short.columns.remove(at: column)
      for row in rows.indices { short.rows[row].cells.remove(at: column) }
    }
    let names = empty.map { columns[$0].name }.joined(separator: "; ")
    return .joined([
      short.full, .element("p", ["class": "absent"], text: "Not recorded: \(names)."),
    ])
  }

  private var full: Markup {
    let head = Markup.element(
      "tr", [:],
      columns.map { column in
        .element(
          "th", ["scope": "col", "class": column.isNumber ? "number" : nil], text: column.name)
      })
    let body = rows.map { row in
      Markup.element(
        "tr", ["class": row.isChosen ? "chosen" : nil],
        zip(columns, row.cells).map { column, cell in
          .element("td", ["class": column.isNumber ? "number" : nil], [cell])
        })
    }
    return .element(
      "div", ["class": "scroll", "role": "region", "aria-label": caption, "tabindex": "0"],
      [
        .element(
          "table", [:],
          [
            .element("caption", text: caption), .element("thead", [:], [head]),
            .element("tbody", [:], body),
          ])
      ])
  }
}
