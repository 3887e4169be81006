import Foundation
import JetReport

/// What `jet throughput` found; also the form of what `--json` prints and `--from` reads.
struct ThroughputReport: Codable {
  let device: String
  let dtype: String
  /// Bytes that the device copies in a second, reads and writes counted.
  let copyBytesPerSecond: Double
  /// Floating-point operations in a second of a large product.
  let productFlops: Double
  let rows: [ThroughputRow]

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

  /// The model that the others are compared with, the last.
  var baseline: String? { rows.last?.model }

  /// Of all models but the last, each with its largest batch and with one sequence.
  var speedUps: [SpeedUp] {
    guard let baseline else { return [] }
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

  private enum CodingKeys: String, CodingKey {
    case device, dtype, rows
    case copyBytesPerSecond = "copy_bytes_per_second"
    case productFlops = "product_flops"
  }

  /// What is printed for others and follows from the rows.
  private enum DerivedKey: String, CodingKey {
    case speedUps = "speed_ups"
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(device, forKey: .device)
    try values.encode(dtype, forKey: .dtype)
    try values.encode(copyBytesPerSecond, forKey: .copyBytesPerSecond)
    try values.encode(productFlops, forKey: .productFlops)
    try values.encode(rows, forKey: .rows)
    var derived = encoder.container(keyedBy: DerivedKey.self)
    try derived.encode(speedUps, forKey: .speedUps)
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
    TextTable.aligned([Self.columns] + cells) + "\n" + Self.footnote
  }

  /// The headings of ``cells``.
  static let columns = [
    "model", "context", "batch", "state", "decode tok/s", "ms/step", "of copying", "prefill tok/s",
    "of product",
  ]

  /// What the star in ``cells`` means.
  static let footnote = "* not the largest batch that fits"

  /// The rows as texts; empty where something was not measured.
  var cells: [[String]] {
    rows.map { row in
      let rate = row.decodeTokensPerSecond.median
      return [
        row.model, Numbers.grouped(row.context), "\(row.batch)\(row.isLargest ? "" : " *")",
        Numbers.bytes(row.stateBytes), Numbers.short(rate),
        Numbers.short(Double(row.batch) / rate * 1e3), percent(row.decodeShare),
        row.prefillTokensPerSecond.map(Numbers.short) ?? "",
        row.prefillShare.map(percent) ?? "",
      ]
    }
  }

  /// The speed-ups for people; empty where there is one model.
  var comparison: String {
    let cells = comparisonCells
    return cells.isEmpty ? "" : TextTable.aligned([Self.comparisonColumns] + cells)
  }

  /// The headings of ``comparisonCells``.
  static let comparisonColumns = ["model", "over", "context", "batch", "decode", "prefill"]

  /// The speed-ups as texts; empty where something was not measured.
  var comparisonCells: [[String]] {
    speedUps.map { own in
      [
        own.model, own.baseline, Numbers.grouped(own.context),
        own.isLargest ? "largest" : "\(own.batch)",
        String(format: "%.1fx", own.decode),
        own.prefill.map { String(format: "%.1fx", $0) } ?? "",
      ]
    }
  }

  private func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }
}
