import Foundation

/// What a benchmark found.
struct BenchReport: Encodable {
  let model: String
  let randomWeights: Bool
  let dtype: String
  let device: String
  let threads: Int
  let instructionSet: String?
  let weightBytes: Int
  let chunkTokens: Int
  let repeats: Int
  let machine: MachineRates
  let results: [BenchRunner.Result]

  /// What the numbers were measured on.
  var heading: String {
    """
    \(model)\(randomWeights ? " (random weights)" : ""), \(dtype), \(Numbers.bytes(weightBytes)) of \
    weights; \(device), \(threads) threads\(instructionSet.map { ", \($0)" } ?? "")
    the machine reads \(Numbers.short(machine.readBytesPerSecond / 1e9)) GB/s and multiplies at \
    \(Numbers.short(machine.matrixOperationsPerSecond / 1e9)) GFLOP/s (both measured in this run)
    median of \(repeats) runs after one to warm up, lowest and highest in brackets
    """
  }

  /// A table for people.
  var table: String {
    var rows = [
      ["phase", "batch", "depth", "tokens", "tokens/s", "", "ms/step", "MB/step", "of the machine"]
    ]
    for result in results {
      let rate = result.tokensPerSecond
      rows.append([
        result.phase.rawValue, "\(result.batch)", Numbers.grouped(result.depth),
        Numbers.grouped(result.tokens), Numbers.short(rate.median),
        "(\(Numbers.short(rate.minimum)) to \(Numbers.short(rate.maximum)))",
        result.stepSeconds.map { Numbers.short($0 * 1e3) } ?? "",
        result.stepBytes.map { Numbers.short(Double($0) / 1e6) } ?? "",
        String(format: "%.0f %% of ", result.share * 100)
          + (result.phase == .decode ? "bandwidth" : "matrix rate"),
      ])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 || column == row.count - 1 ? cell + space : space + cell
      }.joined(separator: "  ").replacing(/\s+$/, with: "")
    }.joined(separator: "\n")
  }
}
