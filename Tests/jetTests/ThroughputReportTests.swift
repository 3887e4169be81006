import ArgumentParser
import Foundation
import FoundationXML
import JetTestSupport
import Testing

@testable import jet

/// The table of decode rates on an H200 in docs/RESULTS.md.
private enum Sample {
  /// Of each model at 4K, 64K and 256K: one sequence, and the largest batch with its size.
  static let rates: [(model: String, one: [Double], largest: [(rate: Double, batch: Int)])] = [
    ("jet-nemotron-2b", [597, 586, 540], [(40_191, 1_024), (18_843, 856), (6_891, 248)]),
    ("jet-nemotron-4b", [318, 320, 304], [(18_748, 1_024), (10_293, 504), (4_128, 152)]),
    ("qwen2.5-1.5b", [561, 457, 285], [(29_747, 1_024), (2_250, 72), (561, 16)]),
    ("qwen3-1.7b", [521, 283], [(8_472, 288), (554, 16)]),
  ]

  static func row(
    _ model: String, _ context: Int, _ batch: Int, _ rate: Double, isLargest: Bool
  ) -> ThroughputRow {
    ThroughputRow(
      model: model, context: context, batch: batch, isLargest: isLargest, stateBytes: 1_000_000,
      decodeTokensPerSecond: Spread([rate]), stepBytes: 4_000_000_000, decodeShare: 0.9,
      prefillTokensPerSecond: batch == 1 ? 112_149 : nil, prefillShare: batch == 1 ? 0.8 : nil)
  }

  static let report = ThroughputReport(
    device: "cuda", dtype: "bfloat16", copyBytesPerSecond: 4e12, productFlops: 7e14,
    rows: rates.flatMap { model, one, largest in
      zip([4_096, 65_536, 262_144], zip(one, largest)).flatMap { context, pair in
        [
          row(model, context, 1, pair.0, isLargest: false),
          row(model, context, pair.1.batch, pair.1.rate, isLargest: true),
        ]
      }
    })
}

struct ThroughputReportTests {
  @Test func `the tables are aligned and compare with the last model`() {
    let lines = Sample.report.table.split(separator: "\n")
    #expect(lines[0].hasPrefix("model            context  batch"))
    #expect(lines[2].hasPrefix("jet-nemotron-2b    4,096   1024  1.00 MB        40,191     25.5"))
    #expect(lines.last == "* not the largest batch that fits")
    #expect(
      Sample.report.comparison.contains(
        "jet-nemotron-2b  qwen3-1.7b   65,536  largest   34.0x"))
    #expect(!Sample.report.comparison.contains("262,144"))
  }

  @Test func `a result is read as it was printed`() throws {
    let folder = try TemporaryFolder()
    let json = try jsonLine(Sample.report)
    let read = try ThroughputReport(contentsOf: folder.write(json, to: "r.json"))
    #expect(try jsonLine(read) == json)
    #expect(json.contains("\"speed_ups\":[") && json.contains("\"prefill_tokens_per_second\":"))
  }

  @Test(
    arguments: [
      ("", "", "is empty"), ("{", "", "not valid JSON"), ("[1]", "", "not an object"),
      ("\"model\":\"qwen3-1.7b\",", "", "'rows[18].model' is missing"),
      ("\"batch\":72", "\"batch\":-72", "'rows[15].batch' is -72; expected 1 to"),
      ("\"batch\":72", "\"batch\":7.5", "not whole"),
      ("\"batch\":72", "\"batch\":\"72\"", "rows[15].batch"),
      ("\"context\":65536", "\"context\":0", "'rows[2].context' is 0"),
      ("\"median\":18843", "\"median\":-1", "'rows[3].decode_tokens_per_second.median' is -1"),
      ("\"median\":18843", "\"median\":0", "rows[3].decode_tokens_per_second.median"),
      ("\"median\":18843", "\"median\":1e999", "too large"),
      ("\"median\":18843", "\"median\":NaN", "not valid JSON"),
      ("\"median\":18843", "\"median\":null", "rows[3].decode_tokens_per_second.median"),
      ("\"device\":\"cuda\"", "\"device\":\"\\u001b[2J\"", "'device' is no name"),
      ("\"product_flops\":", "\"x\":", "'product_flops' is missing"),
      ("\"rows\":[", "\"rows\":[],\"x\":[", "it has 0 rows"),
      ("\"prefill_tokens_per_second\":112149", "\"prefill_tokens_per_second\":-5", "is -5"),
    ])
  func `a hostile result is refused in one sentence`(
    found: String, other: String, sentence: String
  ) throws {
    let json = try jsonLine(Sample.report)
    // Without another text the first is the whole file, or what is left out of it.
    let text = json.contains(found) ? first(found, becomes: other, in: json) : found
    try expectRefused(text, sentence)
  }

  @Test func `huge lists and files are refused`() throws {
    let rows = Array(repeating: Sample.report.rows[0], count: 1_001)
    try expectRefused(jsonLine(report(rows)), "it has 1001 rows; expected 1 to 1000")
    let models = (0..<9).map { Sample.row("m\($0)", 1, 1, 1, isLargest: true) }
    try expectRefused(jsonLine(report(models)), "it has 9 models; expected at most 8")
    try expectRefused(String(repeating: "[", count: 1 << 20), "not valid JSON")
    try expectRefused(String(repeating: " ", count: 5 << 20), "more than any result")
    #expect(throws: (any Error).self) { try ThroughputReport(contentsOf: "/none.json") }
    #expect(throws: (any Error).self) { try ThroughputReport(contentsOf: "/dev/zero") }
  }

  @Test func `the plot has all models and numbers`() throws {
    let html = ThroughputPlot(Sample.report).html()
    #expect(XMLParser(data: Data(html.utf8)).parse())
    for (model, one, largest) in Sample.rates {
      let charts = model == "qwen3-1.7b" ? 2 : 4
      #expect(html.components(separatedBy: "<span>\(model)</span>").count - 1 == charts)
      for rate in one + largest.map(\.rate) {
        #expect(html.contains(">\(Numbers.short(rate))</text>"), "\(model) \(rate)")
      }
    }
    for number in ["4.74×", "34.0×", "18.6×", "0.610×", "2.07×"] {
      #expect(html.contains(">\(number)</text>"), "\(number)")
    }
    for caption in [
      "Decode, largest batch", "Decode over qwen3-1.7b, largest batch", "Decode, one sequence",
      "Decode over qwen3-1.7b, one sequence",
    ] {
      #expect(html.contains("<figcaption>\(caption)</figcaption>"), "\(caption)")
    }
  }

  @Test func `a chart is drawn only where it has something to show`() {
    let one = Sample.report.rows.filter { $0.batch == 1 && $0.model == "qwen3-1.7b" }
    let html = ThroughputPlot(report(one)).html()
    #expect(html.components(separatedBy: "<figure>").count == 2)
    #expect(XMLParser(data: Data(ThroughputPlot(report([])).html().utf8)).parse())
  }

  @Test func `an earlier result is drawn without measuring`() throws {
    let folder = try TemporaryFolder()
    let result = try folder.write(try jsonLine(Sample.report), to: "r.json")
    let plot = folder.url.appending(path: "plot.html")
    let command = try Throughput.parse(["--from", result, "--plot", plot.path, "--json"])
    try command.run()
    #expect(try String(contentsOf: plot, encoding: .utf8) == ThroughputPlot(Sample.report).html())
    #expect(try folder.contents == ["plot.html", "r.json"])
    for place in [folder.path, folder.path + "/none/plot.html"] {
      let command = try Throughput.parse(["--from", result, "--plot", place])
      #expect(throws: CommandError.self) { try command.run() }
    }
    #expect(throws: (any Error).self) { try Throughput.parse(["--from", result, "--batch", "1"]) }
  }

  private func report(_ rows: [ThroughputRow]) -> ThroughputReport {
    ThroughputReport(
      device: "cpu", dtype: "float32", copyBytesPerSecond: 1, productFlops: 1, rows: rows)
  }

  private func first(_ found: String, becomes other: String, in text: String) -> String {
    guard !found.isEmpty, let range = text.range(of: found) else { return found }
    return text.replacingCharacters(in: range, with: other)
  }

  private func expectRefused(_ text: String, _ sentence: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(text, to: "r.json")
    let error = #expect(throws: (any Error).self) { try ThroughputReport(contentsOf: path) }
    let message = error.map { "\($0)" } ?? ""
    #expect(message.contains(sentence), "\(message)")
    #expect(message.hasPrefix(path) && !message.contains("\n"))
  }
}
