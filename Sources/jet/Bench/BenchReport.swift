import Foundation
import JetReport

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
  let machine: Machine
  let results: [BenchRunner.Result]

  /// What the machine could do between the runs; nil where nothing was compared with it.
  struct Machine: Encodable {
    /// Bytes read in a second by all threads together.
    let readBytesPerSecond: Spread?
    /// Floating-point operations in a second of a large matrix product.
    let matrixOperationsPerSecond: Spread?

    init(_ rates: [MachineRate: [Double]]) {
      readBytesPerSecond = rates[.reading].map { Spread($0) }
      matrixOperationsPerSecond = rates[.multiplying].map { Spread($0) }
    }

    /// A sentence.
    var summary: String {
      func spread(_ rate: Spread?, _ verb: String, _ unit: String) -> String? {
        rate.map {
          "\(verb) \(Numbers.short($0.median / 1e9)) \(unit) "
            + "(\(Numbers.short($0.minimum / 1e9)) to \(Numbers.short($0.maximum / 1e9)))"
        }
      }
      let parts = [
        spread(readBytesPerSecond, "reads", "GB/s"),
        spread(matrixOperationsPerSecond, "multiplies at", "GFLOP/s"),
      ]
      return "between the runs the machine "
        + parts.compactMap { $0 }.joined(separator: " and ")
    }
  }

  /// What the numbers were measured on.
  var heading: String {
    """
    \(model)\(randomWeights ? " (random weights)" : ""), \(dtype), \(Numbers.bytes(weightBytes)) of \
    weights; \(device), \(threads) threads\(instructionSet.map { ", \($0)" } ?? "")
    \(machine.summary)
    medians of \(repeats) runs after one to warm up, lowest and highest in brackets
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
        String(format: "%.0f %% of ", result.share.median * 100)
          + (result.phase == .decode ? "bandwidth" : "matrix rate"),
      ])
    }
    return TextTable.aligned(rows, texts: [0, rows[0].count - 1])
  }
}
