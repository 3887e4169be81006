import Foundation
import JetCheckpoint
import JetModels
import JetReport
import JetTestSupport
import JetText
import Testing

@testable import JetSearch

@Suite("PostNAS") struct PostNASTests {
  private let folder: TemporaryFolder
  private let tiny: TinySearch

  init() throws {
    folder = try TemporaryFolder()
    tiny = try TinySearch(folder.url)
  }

  @Test("a whole search ends with a model that loads, a report and a table of three models")
  func whole() throws {
    let run = tiny.run("run")
    var lines: [String] = []
    do {
      let search = try PostNAS.begin(tiny.configuration(), in: run)
      search.report = { lines.append($0.line) }
      try search.run()
    }
    let model = try Checkpoint(run.export.path)
    #expect(model.configuration.mixers.count == 5)
    #expect(model.configuration.mixers.filter { $0.kind == "attn" }.count == 2)
    #expect(model.configuration.mixers.filter { $0.kind == "swa" }.count == 1)
    _ = try model.model()
    #expect(try model.tokenizer().encode("the cat").count == 7)
    let table = try SearchReport(run).table()
    for word in ["teacher", "uniform", "searched", "recall", "recall-200", "perplexity"] {
      #expect(table.contains(word), "\(word) is not in\n\(table)")
    }
    let status = try SearchStatus(run)
    #expect(status.stages.allSatisfy { $0.record != nil })
    #expect(status.activities.isEmpty)
    #expect(lines.contains { $0.hasPrefix("[3/8 blocks] gla, 2 of 2: step") })
    let content = try SearchReport(run).content()
    #expect(content.missing.isEmpty && content.blocks.count == 2 && content.ablations.count == 2)
    #expect(content.importance.map(\.objective) == ["divergence", "recall"])
    let block = try #require(model.configuration.mixers.compactMap(\.linear).first)
    #expect(content.chosenBlock?.hasPrefix(type(of: block).title) == true)
    // Done is done: nothing is computed again.
    lines = []
    let again = try PostNAS.resume(run)
    again.report = { lines.append($0.line) }
    try again.run()
    #expect(!lines.contains { $0.contains("step") }, "\(lines)")
  }

  @Test("a teacher with norms of queries and keys and wide heads becomes a hybrid that loads")
  func wideHeads() throws {
    let tiny = try TinySearch(folder.url.appending(path: "qwen3"), isQwen3: true)
    let run = tiny.run("run")
    try PostNAS.begin(tiny.configuration { $0.placement.strategies = [.beam] }, in: run).run()
    let checkpoint = try Checkpoint(run.export.path)
    let attention = checkpoint.configuration.mixers.compactMap { mixer in
      if case .attention(let own) = mixer { own } else { nil }
    }
    #expect(attention.count == 3 && attention.allSatisfy { $0.headWidth == 16 })
    #expect(attention.allSatisfy { $0.normalizesQueriesAndKeys })
    // The weights of the norms are there, not made anew.
    let exported = try checkpoint.model().parameters.parameters
    let teacher = try Checkpoint(tiny.folder.appending(path: "teacher").path).model()
    #expect(exported.filter { $0.name.hasSuffix("self_attn.q_norm.weight") }.count == 3)
    #expect(
      teacher.parameters.parameters.filter { $0.name.hasSuffix("self_attn.q_norm.weight") }.count
        == 5)
    let notes = try SearchReport(run).content().notes
    #expect(notes.contains { $0.contains("qk_norm") }, "\(notes)")
  }

  @Test("a run folder refuses another configuration and a second process")
  func refusals() throws {
    let run = tiny.run("run")
    let first = try PostNAS.begin(tiny.configuration(), in: run)
    let second = message { _ = try PostNAS.resume(run) }
    #expect(second?.contains("is worked on by process \(getpid())") == true, "\(second ?? "")")
    withExtendedLifetime(first) {}
    let other = message { _ = try PostNAS.begin(tiny.configuration { $0.seed = 6 }, in: run) }
    #expect(other?.contains("holds a run with another configuration") == true, "\(other ?? "")")
    let none = message { _ = try PostNAS.resume(tiny.run("none")) }
    #expect(none?.contains("holds no run of PostNAS") == true, "\(none ?? "")")
  }

  @Test("a run whose configuration an earlier version wrote, with fewer keys, is gone on with")
  func olderConfiguration() throws {
    let run = tiny.run("run")
    let configuration = try tiny.configuration { $0.training.layerParts = 1 }
    do { _ = try PostNAS.begin(configuration, in: run) }
    let text = try String(contentsOf: run.configurationFile, encoding: .utf8)
    let older = text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.contains("\"layer_parts\"") && !$0.contains("\"recompute\"") }
      .joined(separator: "\n").replacing(/,(\s*\})/) { $0.output.1 }
    #expect(older != text)
    try Data(older.utf8).write(to: run.configurationFile)
    do { _ = try PostNAS.resume(run) }
    let other = message {
      _ = try PostNAS.begin(tiny.configuration { $0.training.layerParts = 3 }, in: run)
    }
    #expect(other?.contains("holds a run with another configuration") == true, "\(other ?? "")")
  }

  @Test("asked to stop, a run keeps what it did and says how to go on")
  func stops() throws {
    let run = tiny.run("run")
    let search = try PostNAS.begin(tiny.configuration(), in: run)
    var steps = 0
    search.report = { if $0.stage == .superNetwork, $0.text.contains("step") { steps += 1 } }
    search.shouldStop = { steps >= 3 }
    let stopped = message { try search.run() }
    #expect(stopped?.hasSuffix("jet postnas resume \(run.url.path)") == true, "\(stopped ?? "")")
    let status = try SearchStatus(run)
    #expect(
      status.activities.first?.contains("super network: layers-1, 1 of 3: step 3/8") == true,
      "\(status.text)"
    )
    #expect(status.stages[0].record != nil && status.stages[1].record == nil)
  }

  @Test("other constraints are searched without training, known candidates reused")
  func searches() throws {
    let run = tiny.run("run")
    let search = try PostNAS.begin(tiny.configuration(), in: run)
    let untrained = message {
      _ = try search.search(size: 2, strategy: .beam, trains: false)
    }
    #expect(untrained?.contains("is not trained yet") == true, "\(untrained ?? "")")
    _ = try search.search(size: 1, strategy: .beam, trains: true)
    let again = try search.search(size: 1, strategy: .exhaustive, trains: false)
    #expect(again.computedCount == 0 && again.knownCount == 5)
    let more = try search.search(size: 2, strategy: .beam, beamWidth: 1, trains: false)
    #expect(more.computedCount == 4 && more.layers.count == 2)
    let gates = message { _ = try search.search(size: 2, strategy: .gates, trains: false) }
    #expect(gates?.contains("gates are trained") == true)
  }
}

/// The sentence of an error that `body` throws; nil if it throws none.
func message(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
