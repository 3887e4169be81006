import Foundation
import JetInference
import JetTestSupport
import Testing

@testable import jet

struct BatchJournalTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var output: String { folder.url.appending(path: "texts.jsonl").path }
  private var partial: String { output + ".partial" }

  private func prompt(_ index: Int, stopTokens: Set<Int> = []) -> BatchPrompt {
    BatchPrompt(
      index: index, id: nil,
      request: EngineRequest(
        prompt: [index + 1], options: GenerationOptions(maximumTokens: 5, stopTokens: stopTokens)))
  }

  private func report(_ index: Int, _ text: String, error: String? = nil) -> BatchReport {
    BatchReport(
      index: index, id: nil, seed: 0, text: text, tokens: [1], promptTokens: 1,
      finishReason: error == nil ? .length : nil, error: error)
  }

  private func open(_ run: String = "run", count: Int = 4) throws -> BatchJournal {
    try BatchJournal(output: output, run: run, count: count)
  }

  private func content(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  private func texts() throws -> [String] {
    try #require(content(output)).split(separator: "\n").map {
      let line = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      return try #require(line?["text"] as? String)
    }
  }

  @Test(arguments: [true, false]) func `a run goes on where it was killed`(isOrdered: Bool) throws {
    // Let go of without an end, as by a kill; then the line that was being written.
    try { try open().add(report(2, "c\n\u{1F600}")) }()
    let before = try #require(content(partial))
    try (before + "{\"index\":1,\"te").write(toFile: partial, atomically: false, encoding: .utf8)
    do {
      let journal = try open()
      #expect(journal.count == 1 && journal.has(prompt(2)) && !journal.has(prompt(1)))
      #expect(content(partial) == before)
      try journal.add(report(3, "d"))
      try journal.add(report(0, "a", error: "it failed"))
      #expect(journal.count == 2)
    }
    // What failed is tried again.
    let journal = try open()
    #expect((0..<4).map { journal.has(prompt($0)) } == [false, false, true, true])
    try journal.add(report(1, "b"))
    try journal.add(report(0, "a"))
    #expect(content(output) == nil)
    try journal.finish(isOrdered: isOrdered)
    #expect(
      try texts()
        == (isOrdered ? ["a", "b", "c\n\u{1F600}", "d"] : ["c\n\u{1F600}", "d", "b", "a"]))
    #expect(content(partial) == nil)
  }

  @Test func `a run in which prompts failed keeps its journal`() throws {
    do {
      let journal = try open(count: 2)
      try journal.add(report(0, "a"))
      try journal.add(report(1, "b", error: "it failed"))
      try journal.finish(isOrdered: true, isWhole: false)
    }
    #expect(content(output)?.contains("it failed") == true)
    let journal = try open(count: 2)
    #expect(journal.has(prompt(0)) && !journal.has(prompt(1)))
    try journal.add(report(1, "b"))
    try journal.finish(isOrdered: true)
    #expect(try texts() == ["a", "b"] && content(partial) == nil)
  }

  @Test func `what failed at last stands in the output`() throws {
    let journal = try open(count: 2)
    try journal.add(report(1, "b"))
    try journal.add(report(0, "", error: "it failed"))
    try journal.finish(isOrdered: true)
    #expect(try texts() == ["", "b"])
    #expect(try #require(content(output)).contains("\"error\":\"it failed\""))
  }

  @Test func `another run's journal is refused and kept`() throws {
    try { try open().add(report(0, "a")) }()
    let before = content(partial)
    let error = #expect(throws: CommandError.self) { try open("another") }
    #expect("\(try #require(error))".contains("does not belong to this run"))
    #expect(content(partial) == before)
  }

  @Test(arguments: ["notes of mine", "{\"jet_run\":\"ru\"}x", "two\nlines", "\n"])
  func `a file that is no journal is refused and kept`(text: String) throws {
    try text.write(toFile: partial, atomically: false, encoding: .utf8)
    #expect(throws: CommandError.self) { try open() }
    #expect(content(partial) == text)
  }

  @Test func `a first line that was being written is written again`() throws {
    try "{\"jet_ru".write(toFile: partial, atomically: false, encoding: .utf8)
    try { try open().add(report(0, "a")) }()
    #expect(try open().count == 1)
  }

  @Test func `one process at a time`() throws {
    let journal = try open()
    let error = #expect(throws: CommandError.self) { try open() }
    #expect("\(try #require(error))".contains("another process"))
    try journal.add(report(0, "a"))
  }

  @Test(arguments: ["nonsense", "{\"index\":4,\"text\":\"\"}", "{\"index\":-1}", "{}", "[]"])
  func `a line that is no result is refused`(line: String) throws {
    try { _ = try open() }()
    let before = try #require(content(partial))
    try (before + line + "\n").write(toFile: partial, atomically: false, encoding: .utf8)
    let error = #expect(throws: CommandError.self) { try open() }
    #expect("\(try #require(error))".contains("no result"))
  }

  @Test func `a run is named by what its texts depend on`() throws {
    func name(
      _ model: String = "m", _ stops: [String] = [], _ prompts: [BatchPrompt]
    ) throws -> String {
      try BatchJournal.Run(model: [model], stops: stops, prompts: prompts).name()
    }
    let stopTokens = Set(1...40)
    let first = try name("m", [], [prompt(0, stopTokens: stopTokens), prompt(1)])
    // The order within a set is no part of it.
    let again = Set((1...40).reversed().map { $0 })
    #expect(try name("m", [], [prompt(0, stopTokens: again), prompt(1)]) == first)
    let others = [
      try name("n", [], [prompt(0, stopTokens: stopTokens), prompt(1)]),
      try name("m", ["."], [prompt(0, stopTokens: stopTokens), prompt(1)]),
      try name("m", [], [prompt(0, stopTokens: [1]), prompt(1)]),
      try name("m", [], [prompt(0, stopTokens: stopTokens)]),
    ]
    #expect(Set(others + [first]).count == 5)
  }
}
