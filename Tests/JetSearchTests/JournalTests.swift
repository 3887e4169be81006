import Foundation
import JetEvaluation
import JetSearch
import JetTestSupport
import Testing

/// The sum of the numbers of the layers with full attention, a little higher for each item.
private final class SumObjective: PlacementObjective {
  let identity = "sum"
  var calls = 0

  func observations(of placement: Placement) -> [Double] {
    calls += 1
    let sum = placement.layers(.full).reduce(0, +)
    return (0..<3).map { Double(sum + $0) }
  }
}

@Suite struct JournalTests {
  @Test func aCandidateIsScoredOnceAlsoAfterReopening() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "journal.sqlite")
    let objective = SumObjective()
    let placement = try #require(Placement(key: "LFLF"))
    let first = try CandidateScorer(objective, journal: Journal(url)).candidate(placement)
    let again = try CandidateScorer(objective, journal: Journal(url))
    #expect(try again.candidate(placement) == first)
    #expect(first.score.value == 5)
    #expect(objective.calls == 1)
    #expect(again.computedCount == 0)
    #expect(try Journal(url).candidates(objective: "sum") == [first])
  }

  @Test func aResultReplacesWhatWasThere() throws {
    let folder = try TemporaryFolder()
    let journal = try Journal(folder.url.appending(path: "journal.sqlite"))
    try journal.record([1, 2], stage: "blocks", name: "a")
    try journal.record([3], stage: "blocks", name: "b")
    try journal.record([4], stage: "blocks", name: "a")
    let all = try journal.results([Int].self, stage: "blocks")
    #expect(all.map(\.name) == ["a", "b"])
    #expect(all.map(\.value) == [[4], [3]])
    #expect(try journal.result([Int].self, stage: "blocks", name: "c") == nil)
    #expect(throws: SearchError.self) {
      try journal.result(String.self, stage: "blocks", name: "a")
    }
  }

  @Test func aFileThatIsNoJournalIsRefused() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "journal.sqlite")
    try Data(String(repeating: "no journal", count: 100).utf8).write(to: url)
    #expect(throws: SearchError.self) { try Journal(url) }
  }
}
