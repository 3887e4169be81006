import Foundation
import JetTestSupport
import Testing

@testable import JetSearch

@Suite("A search that several processes share") struct SharedSearchTests {
  @Test("processes that join, die and join again end with the first in the same bits as one alone")
  func shared() async throws {
    // The children know their parent's number, and so the folder.
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-shared-\(getpid())")
    defer {
      do { try FileManager.default.removeItem(at: place) } catch { print("not removed: \(error)") }
    }
    let tiny = try TinySearch(place)
    try PostNAS.begin(tiny.configuration(), in: tiny.run("alone")).run()
    // Begun, so that others can join; the children do what they can before and while the first goes on.
    do { _ = try PostNAS.begin(tiny.configuration(), in: tiny.run("shared")) }
    async let first: Void = expectSuccess()
    async let second: Void = expectSuccess()
    async let killed: Void = expectKilled()
    _ = await (first, second, killed)
    let run = tiny.run("shared")
    try PostNAS.resume(run).run()
    try expectSame(run, tiny.run("alone"))
    // More than one process had a hand in it.
    let places = try Journal(reading: run.journalFile).names(stage: "run")
    #expect(places.filter { $0.hasPrefix("activity/") }.count >= 2, "\(places)")
    let left = try FileManager.default.contentsOfDirectory(atPath: run.url.path)
    #expect(left.contains("report.html") && left.contains("export"), "\(left)")
  }

  private func expectSuccess() async {
    await #expect(processExitsWith: .success) { try Self.join() }
  }

  private func expectKilled() async {
    await #expect(processExitsWith: .signal(SIGKILL)) {
      Thread.detachNewThread {
        usleep(UInt32.random(in: 500_000..<3_000_000))
        kill(getpid(), SIGKILL)
      }
      try Self.join()
      // Faster than the killer: it comes.
      sleep(60)
    }
  }

  private static func join() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-shared-\(getppid())")
    try PostNAS.join(SearchFolder(place.appending(path: "shared"))).run()
  }

  @Test("a unit of work is in one process's hands; left, another takes it; done, its file goes")
  func claims() throws {
    let folder = try TemporaryFolder()
    let run = SearchFolder(folder.url)
    let claims = try WorkClaims(run)
    var held = try claims.take("unit")
    #expect(held != nil)
    #expect(try claims.take("unit") == nil)
    #expect(try claims.take("other") != nil)
    let busy = try claims.perform("unit", waits: false, known: { Int?.none }, { 1 })
    #expect(busy == nil)
    #expect(claims.holder("unit") == Int(getpid()))
    // Of a list, what is free is done first; then what was waited for is looked at again.
    var order: [String] = []
    let all = try WorkClaims.all(
      ["unit", "free"],
      whileWaiting: { missing in
        order.append("wait for \(missing)")
        held = nil
      },
      { name in
        try claims.perform(name, waits: false, known: { Int?.none }) {
          order.append(name)
          return name.count
        }
      })
    #expect(all == [4, 4])
    #expect(order == ["free", "wait for unit", "unit"])
    held = nil
    // What another process recorded between the look and the claim is found.
    var looks = 0
    let found = try claims.perform(
      "unit", waits: true,
      known: {
        looks += 1
        return looks == 2 ? 7 : nil
      }, { 1 })
    #expect(found == 7)
    let made = try claims.perform("unit", waits: true, known: { Int?.none }, { 1 })
    #expect(made == 1)
    let left = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appending(path: "claims").path)
    #expect(left.count == 1, "only the file of 'other', which was not done")
  }

  @Test("the layers' parts hold each layer once and are of about equal size", arguments: 1...7)
  func parts(count: Int) {
    let parts = LayerPart.of([0, 2, 3, 5, 8], count: count)
    #expect(parts.count == min(count, 5))
    #expect(parts.flatMap(\.layers) == [0, 2, 3, 5, 8])
    let sizes = parts.map(\.layers.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    #expect(Set(parts.map(\.name)).count == parts.count)
    #expect(parts.map(\.index) == Array(1...parts.count))
  }
}
