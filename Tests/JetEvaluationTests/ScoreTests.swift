import Foundation
import Testing

@testable import JetEvaluation

struct ScoreTests {
  @Test func `a mean has the error of the sample`() throws {
    let score = Score(of: [1, 2, 3, 4])
    #expect(score.value == 2.5 && score.count == 4)
    // Deviation √(5/3), over √4.
    #expect(abs(try #require(score.standardError) - (5.0 / 3).squareRoot() / 2) < 1e-15)
  }

  @Test func `of zeros and ones the error is binomial`() throws {
    let score = Score(of: [1, 0, 0, 1, 1, 0, 1, 1])
    let p = 5.0 / 8
    #expect(score.value == p)
    #expect(abs(try #require(score.standardError) - (p * (1 - p) / 7).squareRoot()) < 1e-15)
  }

  @Test func `one observation has no error`() {
    #expect(Score(of: [3]).standardError == nil)
    #expect(Score(ratioOf: [3], to: [2]).standardError == nil)
  }

  @Test func `a ratio with equal weights is a mean`() throws {
    let mean = Score(of: [1, 5, 3, 8])
    let ratio = Score(ratioOf: [1, 5, 3, 8], to: [1, 1, 1, 1])
    #expect(ratio.value == mean.value)
    let (a, b) = (try #require(mean.standardError), try #require(ratio.standardError))
    #expect(abs(a - b) < 1e-15)
    // What is in proportion to its weight has no spread.
    #expect(Score(ratioOf: [2, 4, 6], to: [1, 2, 3]).standardError == 0)
  }

  private func result(_ values: [String: Double], metric: String = "accuracy") -> TaskResult {
    TaskResult(
      task: "t", primaryMetric: "accuracy",
      items: values.sorted { $0.key < $1.key }.map {
        ItemResult(id: $0.key, values: [metric: $0.value])
      })
  }

  @Test func `a paired difference takes the items of both`() throws {
    let first = result(["a": 1, "b": 0, "c": 0, "x": 1])
    let second = result(["b": 1, "a": 1, "c": 0, "y": 0])
    let paired = try PairedDifference(from: first, to: second)
    #expect(paired.difference.count == 3)
    #expect(abs(paired.difference.value - 1.0 / 3) < 1e-15)
    #expect(abs(try #require(paired.difference.standardError) - 1.0 / 3) < 1e-15)
    // Alone, each has a larger error.
    #expect(try #require(Score(of: [1, 0, 0]).standardError) >= 1.0 / 3)
  }

  @Test func `results of nothing in common are refused`() {
    #expect(throws: EvaluationError.self) {
      try PairedDifference(from: result(["a": 1]), to: result(["b": 1]))
    }
    #expect(throws: EvaluationError.self) {
      try PairedDifference(from: result(["a": 1]), to: result(["a": 1]), metric: "other")
    }
    var other = result(["a": 1])
    other.task = "u"
    #expect(throws: EvaluationError.self) {
      try PairedDifference(from: result(["a": 1]), to: other)
    }
  }

  @Test func `results survive JSON`() throws {
    let stored = result(["a": 1, "b": 0])
    let data = try JSONEncoder().encode(stored)
    #expect(try JSONDecoder().decode(TaskResult.self, from: data) == stored)
  }
}
