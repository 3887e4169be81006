import Foundation
import JetFormats

extension ThroughputReport {
  /// A result is a few kilobytes.
  private static let maximumBytes = 4 << 20
  private static let maximumRows = 1_000
  /// So many looks of curves can be told apart.
  private static let maximumModels = 8
  /// Within them quotients of rates stay finite.
  private static let rates = 1e-9...1e24

  /// Reads what `--json` printed; nothing in the file is trusted.
  ///
  /// - Throws: ``CommandError`` with the file, the place and the fault; `FormatError` for a file
  ///   that cannot be read.
  init(contentsOf path: String) throws {
    let file = try MappedFile(URL(filePath: path))
    guard file.size <= Self.maximumBytes else {
      throw CommandError(
        "\(path) has \(Numbers.bytes(file.size)), more than any result; give what "
          + "`jet throughput --json` printed.")
    }
    let data = file.withBytes(in: 0..<file.size) { Data($0) }
    do {
      self = try JSONDecoder().decode(ThroughputReport.self, from: data)
      try check()
    } catch let error as DecodingError {
      throw CommandError("\(path) is no result of `jet throughput --json`: \(Self.fault(error)).")
    } catch let fault as Fault {
      throw CommandError("\(path) is no result of `jet throughput --json`: \(fault.text).")
    }
  }

  /// What is wrong with a value.
  private struct Fault: Error {
    let text: String
  }

  private func check() throws(Fault) {
    guard (1...Self.maximumRows).contains(rows.count) else {
      throw Fault(text: "it has \(rows.count) rows; expected 1 to \(Self.maximumRows)")
    }
    let models = Set(rows.map(\.model)).count
    guard models <= Self.maximumModels else {
      throw Fault(text: "it has \(models) models; expected at most \(Self.maximumModels)")
    }
    try Self.expectName(device, "device")
    try Self.expectName(dtype, "dtype")
    try Self.expect(copyBytesPerSecond, in: Self.rates, "copy_bytes_per_second")
    try Self.expect(productFlops, in: Self.rates, "product_flops")
    for (index, row) in rows.enumerated() { try Self.check(row, at: "rows[\(index)]") }
  }

  private static func check(_ row: ThroughputRow, at place: String) throws(Fault) {
    try expectName(row.model, "\(place).model")
    try expect(row.context, in: 1...1 << 24, "\(place).context")
    try expect(row.batch, in: 1...1 << 24, "\(place).batch")
    try expect(row.stateBytes, in: 0...Int.max, "\(place).state_bytes")
    try expect(row.stepBytes, in: 0...Int.max, "\(place).step_bytes")
    let decode = row.decodeTokensPerSecond
    for (value, name) in [
      (decode.minimum, "minimum"), (decode.median, "median"), (decode.maximum, "maximum"),
    ] {
      try expect(value, in: rates, "\(place).decode_tokens_per_second.\(name)")
    }
    try expect(row.decodeShare, in: 0...1e24, "\(place).decode_share")
    if let rate = row.prefillTokensPerSecond {
      try expect(rate, in: rates, "\(place).prefill_tokens_per_second")
    }
    if let share = row.prefillShare { try expect(share, in: 0...1e24, "\(place).prefill_share") }
  }

  private static func expect<Value: Comparable>(
    _ value: Value, in range: ClosedRange<Value>, _ name: String
  ) throws(Fault) {
    guard range.contains(value) else {
      throw Fault(
        text: "'\(name)' is \(value); expected \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// Names are printed on terminals, which control characters would steer.
  private static func expectName(_ name: String, _ place: String) throws(Fault) {
    let isPlain = name.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: false
      default: true
      }
    }
    guard isPlain, (1...100).contains(name.unicodeScalars.count) else {
      throw Fault(text: "'\(place)' is no name of 1 to 100 printable characters")
    }
  }

  private static func fault(_ error: DecodingError) -> String {
    func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + (last.map { [$0] } ?? [])).reduce("") { path, key in
        if let index = key.intValue { return "\(path)[\(index)]" }
        return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
      }
    }
    switch error {
    case .keyNotFound(let key, let context): return "'\(path(context, key))' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let path = path(context)
      return path.isEmpty
        ? "it is not an object of keys and values" : "'\(path)' has a value of the wrong kind"
    case .dataCorrupted(let context):
      let path = path(context)
      return path.isEmpty
        ? "it is not valid JSON, or a number in it is too large or not whole"
        : "'\(path)' has a value that is not possible"
    @unknown default: return "it cannot be read"
    }
  }
}
