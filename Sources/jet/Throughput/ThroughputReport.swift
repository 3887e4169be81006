import Foundation

/// What `jet throughput` found.
struct ThroughputReport: Encodable {
  let device: String
  let dtype: String
  /// Bytes that the device copies in a second, reads and writes counted.
  let copyBytesPerSecond: Double
  /// Floating-point operations in a second of a large product.
  let productFlops: Double
  let rows: [ThroughputRun.Row]

  /// By how many times a model is faster than the last one, at a context.
  struct SpeedUp: Encodable {
    let model: String
    let baseline: String
    let context: Int
    let batch: Int
    let isLargest: Bool
    let decode: Double
    let prefill: Double?
  }

  /// Of all models but the last, each with its largest batch and with one sequence.
  var speedUps: [SpeedUp] {
    guard let baseline = rows.last?.model else { return [] }
    return rows.filter { $0.model != baseline }.compactMap { row in
      let same = rows.first {
        $0.model == baseline && $0.context == row.context
          && (row.batch > 1 && row.isLargest ? $0.isLargest : $0.batch == row.batch)
      }
      guard let same else { return nil }
      let prefill = row.prefillTokensPerSecond.flatMap { own in
        same.prefillTokensPerSecond.map { own / $0 }
      }
      return SpeedUp(
        model: row.model, baseline: baseline, context: row.context, batch: row.batch,
        isLargest: row.batch > 1 && row.isLargest,
        decode: row.decodeTokensPerSecond.median / same.decodeTokensPerSecond.median,
        prefill: prefill)
    }
  }

  private enum Key: String, CodingKey {
    case device, dtype, copyBytesPerSecond, productFlops, rows, speedUps
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(device, forKey: .device)
    try values.encode(dtype, forKey: .dtype)
    try values.encode(copyBytesPerSecond, forKey: .copyBytesPerSecond)
    try values.encode(productFlops, forKey: .productFlops)
    try values.encode(rows, forKey: .rows)
    try values.encode(speedUps, forKey: .speedUps)
  }

  /// What the numbers were measured on.
  var heading: String {
    """
    \(device), \(dtype), random weights and states; the device copies \
    \(Numbers.short(copyBytesPerSecond / 1e9)) GB/s and multiplies at \
    \(Numbers.short(productFlops / 1e12)) TFLOP/s
    """
  }

  /// The rows for people.
  var table: String {
    var lines = [
      [
        "model", "context", "batch", "state", "decode tok/s", "ms/step", "of copying",
        "prefill tok/s", "of product",
      ]
    ]
    for row in rows {
      let rate = row.decodeTokensPerSecond.median
      lines.append([
        row.model, Numbers.grouped(row.context), "\(row.batch)\(row.isLargest ? "" : " *")",
        Numbers.bytes(row.stateBytes), Numbers.short(rate),
        Numbers.short(Double(row.batch) / rate * 1e3), percent(row.decodeShare),
        row.prefillTokensPerSecond.map(Numbers.short) ?? "",
        row.prefillShare.map(percent) ?? "",
      ])
    }
    return aligned(lines) + "\n* not the largest batch that fits"
  }

  /// The speed-ups for people; empty where there is one model.
  var comparison: String {
    let all = speedUps
    guard !all.isEmpty else { return "" }
    let lines =
      [["model", "over", "context", "batch", "decode", "prefill"]]
      + all.map { own in
        [
          own.model, own.baseline, Numbers.grouped(own.context),
          own.isLargest ? "largest" : "\(own.batch)",
          String(format: "%.1fx", own.decode),
          own.prefill.map { String(format: "%.1fx", $0) } ?? "",
        ]
      }
    return aligned(lines)
  }

  private func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }

  private func aligned(_ lines: [[String]]) -> String {
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      line.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }.joined(separator: "  ").replacing(/\s+$/, with: "")
    }.joined(separator: "\n")
  }
}
