/// Columns of plain text with two spaces between.
public enum TextTable {
  /// The rows as lines, without spaces at their ends.
  ///
  /// - Parameter texts: the columns that stand on the left; the others hold numbers and stand on the right.
  /// - Precondition: every row has as many cells as the first.
  public static func aligned(_ rows: [[String]], texts: Set<Int> = [0]) -> String {
    guard let first = rows.first else { return "" }
    let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return texts.contains(column) ? cell + space : space + cell
      }.joined(separator: "  ").replacing(/\s+$/, with: "")
    }.joined(separator: "\n")
  }
}
