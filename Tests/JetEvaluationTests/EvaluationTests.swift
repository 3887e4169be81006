import Foundation
import Testing

@testable import JetEvaluation

struct EvaluationTests {
  /// Likelihoods by continuation.
  private static func model(_ table: [String: Double]) -> FakeLanguageModel {
    FakeLanguageModel(likelihood: { table[$0.continuation] ?? -100 })
  }

  private static func item(_ id: String, _ choices: [String], answer: Int) -> ChoiceItem {
    ChoiceItem(
      id: id,
      requests: choices.map { ContinuationRequest(context: "c", continuation: " \($0)") },
      choices: choices, answer: answer)
  }

  @Test func `choices are scored plainly, by length and by loss`() throws {
    // "bb bb" has less likelihood in all, and more a character.
    let model = Self.model([" a": -1, " bb bb": -2])
    let task = EvaluationTask(
      name: "t", questions: .choices([Self.item("0", ["a", "bb bb"], answer: 1)], .characters))
    let result = try evaluate(task, on: model)
    let item = result.items[0]
    #expect(item.values["accuracy"] == 0 && item.values["accuracy_normalized"] == 1)
    #expect(item.answer == "0")
    // The fake has a token a character of " bb bb".
    #expect(abs(try #require(item.values["answer_loss"]) - 2.0 / 6) < 1e-12)
    #expect(abs(try #require(item.values["choice_loss"]) - log(1 + exp(1.0))) < 1e-12)
    #expect(result.primaryMetric == "accuracy" && result.scores["accuracy"]?.value == 0)
  }

  @Test func `length is counted in characters or bytes`() throws {
    // Six bytes in three characters.
    let item = Self.item("0", ["ééé", "abcd"], answer: 0)
    let model = Self.model([" ééé": -4, " abcd": -4.1])
    func accuracy(_ normalization: LengthNormalization) throws -> Double? {
      let task = EvaluationTask(name: "t", questions: .choices([item], normalization))
      return try evaluate(task, on: model).scores["accuracy_normalized"]?.value
    }
    #expect(try accuracy(.characters) == 0)
    #expect(try accuracy(.bytes) == 1)
  }

  @Test func `the first of equal choices is chosen, and what is no number is wrong`() throws {
    let equal = Self.item("0", ["a", "b"], answer: 1)
    let task = EvaluationTask(name: "t", questions: .choices([equal], .bytes))
    #expect(
      try evaluate(task, on: Self.model([" a": -1, " b": -1])).scores["accuracy"]?.value == 0)
    let broken = try evaluate(task, on: Self.model([" a": .nan, " b": -1]))
    #expect(broken.scores["accuracy"]?.value == 0 && broken.items[0].answer == nil)
  }

  @Test func `a completion equals or contains an answer`() throws {
    let answers = ["a": " Paris \n", "b": "It is Paris.", "c": "Rome"]
    let model = FakeLanguageModel(text: { answers[$0] ?? "" })
    let items = ["a", "b", "c"].map {
      CompletionItem(
        id: $0, request: GenerationRequest(context: $0, stop: [], maximumTokens: 4),
        answers: ["Paris", "Lutetia"])
    }
    let result = try evaluate(
      EvaluationTask(name: "t", questions: .completions(items), metric: "contains"), on: model)
    #expect(result.items.map { $0.values["exact_match"] } == [1, 0, 0])
    #expect(result.items.map { $0.values["contains"] } == [1, 1, 0])
    #expect(result.items[1].answer == "It is Paris.")
  }

  @Test func `perplexity is of tokens, words and bytes`() throws {
    // Ten bytes, two words; windows of 4, 4 and 2 tokens cost 10, 10 and 3 nats.
    let task = EvaluationTask(name: "t", questions: .texts([TextItem(id: "0", text: "abcde fghi")]))
    let result = try evaluate(task, on: FakeLanguageModel())
    #expect(abs(try #require(result.scores["loss_per_token"]?.value) - 2.3) < 1e-12)
    #expect(abs(try #require(result.scores["perplexity"]?.value) - exp(2.3)) < 1e-12)
    #expect(abs(try #require(result.scores["word_perplexity"]?.value) - exp(11.5)) < 1e-6)
    #expect(abs(try #require(result.scores["bits_per_byte"]?.value) - 2.3 / log(2)) < 1e-12)
    #expect(result.items.map(\.id) == ["0/0", "0/1", "0/2"])
    let error = Score(ratioOf: [10, 10, 3], to: [4, 4, 2]).standardError
    #expect(result.scores["loss_per_token"]?.standardError == error)
    let paired = try PairedDifference(from: result, to: result)
    #expect(paired.metric == "loss_per_token" && paired.difference.standardError == 0)
  }

  @Test func `a task without items or words is refused`() {
    let empty = EvaluationTask(name: "t", questions: .texts([]))
    #expect(throws: EvaluationError.self) { try evaluate(empty, on: FakeLanguageModel()) }
    let blank = EvaluationTask(name: "t", questions: .texts([TextItem(id: "0", text: " \n")]))
    #expect(throws: EvaluationError.self) { try evaluate(blank, on: FakeLanguageModel()) }
  }

  @Test func `progress counts requests, and what it throws ends the work`() throws {
    let items = (0..<3).map { Self.item("\($0)", ["a", "b"], answer: 0) }
    let task = EvaluationTask(name: "t", questions: .choices(items, .bytes))
    var seen: [Int] = []
    _ = try evaluate(task, on: FakeLanguageModel()) { progress in
      #expect(progress.total == 6)
      seen.append(progress.done)
    }
    #expect(seen == Array(1...6))
    let model = FakeLanguageModel()
    #expect(throws: CancellationError.self) {
      try evaluate(task, on: model) { if $0.done == 2 { throw CancellationError() } }
    }
    #expect(model.asked == 2)
  }

  @Test func `a limit spreads over the file`() {
    let items = (0..<10).map { TextItem(id: "\($0)", text: "x") }
    let task = EvaluationTask(name: "t", questions: .texts(items))
    guard case .texts(let some) = task.limited(to: 3).questions else { return }
    #expect(some.map(\.id) == ["0", "3", "6"])
    #expect(task.limited(to: 99) == task)
  }
}
