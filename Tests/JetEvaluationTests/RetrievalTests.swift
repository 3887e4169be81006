import Foundation
import Testing

@testable import JetEvaluation

struct RetrievalTests {
  /// A tokenizer of sorts: words and signs.
  private static func count(_ text: String) -> Int {
    text.matches(of: /[A-Za-z]+|[0-9]|[^A-Za-z0-9 ]/).count
  }

  private static func items(_ task: RetrievalTask) throws -> [ChoiceItem] {
    guard case .choices(let items, _) = try task.task(count: count).questions else { return [] }
    return items
  }

  @Test(arguments: RetrievalTask.Family.allCases, [100, 333, 2000])
  func `a question fits its length, nearly fills it and holds its answer`(
    family: RetrievalTask.Family, tokens: Int
  ) throws {
    let task = RetrievalTask(family, tokens: tokens, itemsPerDepth: 3)
    let items = try Self.items(task)
    #expect(items.count == 15 && Set(items.map(\.id)).count == 15)
    for item in items {
      let right = item.requests[item.answer]
      let length = Self.count(right.context + right.continuation)
      #expect(length <= tokens && length > tokens - 40)
      #expect(Set(item.choices).count == 4)
      for choice in item.choices { #expect(right.context.contains(" \(choice)")) }
      // The key that is asked for stands twice: with its number, and at the end.
      let asked = String(right.context.split(separator: "\n").last ?? "")
      #expect(right.context.contains(asked + right.continuation))
    }
  }

  @Test func `a fact stands at its depth`() throws {
    for (depth, range) in [(0, 0.0...0.02), (50, 0.45...0.55), (100, 0.93...1.0)] {
      let task = RetrievalTask(.needle, tokens: 1500, depths: [depth], itemsPerDepth: 4)
      for item in try Self.items(task) {
        let context = item.requests[0].context
        let place = try #require(context.range(of: " \(item.choices[item.answer])."))
        let share =
          Double(context.distance(from: context.startIndex, to: place.lowerBound))
          / Double(context.count)
        #expect(range.contains(share), "\(depth) %: \(share)")
      }
    }
  }

  @Test func `the seed decides, and answers stand at every place`() throws {
    let task = RetrievalTask(.needle, tokens: 300, itemsPerDepth: 10)
    #expect(try Self.items(task) == (try Self.items(task)))
    var other = task
    other.seed = 1
    #expect(try Self.items(task) != (try Self.items(other)))
    #expect(Set(try Self.items(task).map(\.answer)) == [0, 1, 2, 3])
  }

  @Test func `answers may be written, and sentences given`() throws {
    let task = RetrievalTask(
      .needle, tokens: 200, depths: [50], itemsPerDepth: 2, isWritten: true,
      filler: ["It was raining.", "Nobody came."])
    let made = try task.task(count: Self.count)
    guard case .completions(let items) = made.questions else { return }
    #expect(made.name == "needle-written-200" && made.metric == "contains")
    #expect(items[0].request.context.contains("It was raining. Nobody came. "))
    #expect(items[0].request.context.contains(" \(items[0].answers[0])."))
  }

  @Test func `values out of range are refused`() {
    for task in [
      RetrievalTask(.needle, tokens: 63), RetrievalTask(.needle, tokens: 100, depths: [101]),
      RetrievalTask(.needle, tokens: 100, depths: []),
      RetrievalTask(.needle, tokens: 100, needles: 0),
      RetrievalTask(.needle, tokens: 100, needles: 50),
      RetrievalTask(.recall, tokens: 100, choices: 1),
      RetrievalTask(.recall, tokens: 100, itemsPerDepth: 0),
      RetrievalTask(.recall, tokens: 100, itemsPerDepth: .max),
      RetrievalTask(.recall, tokens: .max),
    ] {
      #expect(throws: EvaluationError.self) { try task.task(count: Self.count) }
    }
  }

  @Test func `a model that copies answers all, one that guesses a quarter`() throws {
    let task = try RetrievalTask(.recall, tokens: 400).task(count: Self.count)
    let copying = FakeLanguageModel(likelihood: { request in
      let key = String(request.context.split(separator: "\n").last ?? "")
      return request.context.contains(key + request.continuation) ? -1 : -2
    })
    #expect(try evaluate(task, on: copying).scores["accuracy"]?.value == 1)
    let guessing = FakeLanguageModel(likelihood: { request in
      -Double(UInt32(SHA256.text(Data("\(request)".utf8)).prefix(6), radix: 16) ?? 0)
    })
    let score = try #require(try evaluate(task, on: guessing).scores["accuracy"])
    #expect(abs(score.value - 0.25) < 5 * (try #require(score.standardError)))
  }
}
