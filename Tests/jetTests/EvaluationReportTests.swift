import Foundation
import JetEvaluation
import JetTestSupport
import Testing

@testable import jet

struct EvaluationReportTests {
  private static func report(_ values: [Double], dropped: Int = 0) -> EvaluationReport {
    let items = values.enumerated().map { place, value in
      ItemResult(
        id: "\(place)", values: ["accuracy": value, "answer_loss": 2], answer: "0",
        droppedTokens: place == 0 ? dropped : 0)
    }
    let scores = ["accuracy": Score(of: values), "answer_loss": Score(of: values.map { _ in 2 })]
    let result = TaskResult(task: "t", primaryMetric: "accuracy", scores: scores, items: items)
    return EvaluationReport(
      model: "m", identity: "i", dtype: "float32", device: "cpu", fewShot: nil, limit: 4,
      seconds: 1.5, results: [result])
  }

  @Test func `the table has the first metric first, and errors`() {
    #expect(
      Self.report([1, 0, 1, 1]).table == """
        task  items  metric        score  ± error
        t         4  accuracy *   0.7500   0.2500
                     answer_loss  2.0000   0.0000
        """)
    #expect(Self.report([1, 0]).remarks.isEmpty)
    #expect(Self.report([1, 0], dropped: 3).remarks[0].hasPrefix("t: 1 of 2 items did not fit"))
  }

  @Test func `a report that was written is compared item by item`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(try jsonLine(Self.report([1, 0, 0, 0])), to: "r.json")
    let earlier = try EvaluationReport(contentsOf: path)
    #expect(earlier.results == Self.report([1, 0, 0, 0]).results)
    #expect(earlier.limit == 4 && earlier.fewShot == nil)
    let differences = try Self.report([1, 0, 1, 1]).differences(from: earlier)
    #expect(differences.map(\.difference.value) == [0.5])
    #expect(
      EvaluationReport.table(differences, from: "r.json") == """
        compared item by item with r.json:
        task  items  metric    difference  ± error
        t         4  accuracy     +0.5000   0.2887
        """)
  }

  @Test func `what is no report is refused with its name`() throws {
    let folder = try TemporaryFolder()
    for text in ["", "{}", "[1]", "{\"results\": 3}"] {
      let path = try folder.write(text, to: "r.json")
      #expect(throws: CommandError.self) { try EvaluationReport(contentsOf: path) }
    }
    #expect(throws: CommandError.self) { try EvaluationReport(contentsOf: "/none.json") }
  }

  @Test func `progress has the rate of what the model answered`() {
    func line(_ done: Int, _ seconds: Double, known: Int) -> String {
      let progress = EvaluationProgress(task: "piqa", done: done, total: 1400)
      return ProgressLine.line(progress, seconds: seconds, known: known)
    }
    #expect(line(500, 10, known: 100) == "piqa: 500 of 1,400 requests, 40.0 a second, 23 s left")
    #expect(line(100, 10, known: 100) == "piqa: 100 of 1,400 requests")
    #expect(line(1400, 7, known: 0) == "piqa: 1,400 of 1,400 requests, 200 a second")
    #expect(line(100, 1000, known: 0).hasSuffix("3 h 36 min left"))
  }
}
