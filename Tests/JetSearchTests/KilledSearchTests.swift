import Foundation
import JetTestSupport
import Testing

@testable import JetSearch

@Suite("A killed search") struct KilledSearchTests {
  @Test(
    "killed by SIGKILL at any moment and resumed, runs decide the same and end in the same bits"
  )
  func killed() async throws {
    // The child knows its parent's number, and so the folder.
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-search-\(getpid())")
    defer {
      do { try FileManager.default.removeItem(at: place) } catch { print("not removed: \(error)") }
    }
    let tiny = try TinySearch(place)
    let start = ContinuousClock.now
    try PostNAS.begin(tiny.configuration(), in: tiny.run("whole")).run()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    // Each child does about a sixth of the work before it is killed, at a moment that nobody chose.
    setenv("JET_KILL_MICROSECONDS", String(Int(seconds * 1e6 / 3)), 1)
    for name in ["killed-1", "killed-2", "killed-3"] {
      setenv("JET_KILL_RUN", name, 1)
      for _ in 0..<7 {
        await #expect(processExitsWith: .signal(SIGKILL)) { try Self.runUntilKilled() }
      }
      try PostNAS.begin(tiny.configuration(), in: tiny.run(name)).run()
      try expectSame(tiny.run(name), tiny.run("whole"))
    }
  }

  /// The work of a child: a run in the parent's folder, and a killer beside it.
  private static func runUntilKilled() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-search-\(getppid())")
    let environment = ProcessInfo.processInfo.environment
    guard let name = environment["JET_KILL_RUN"],
      let most = environment["JET_KILL_MICROSECONDS"].flatMap(UInt32.init)
    else { return }
    Thread.detachNewThread {
      usleep(UInt32.random(in: 0..<most))
      kill(getpid(), SIGKILL)
    }
    let configuration = try SearchConfiguration(
      contentsOf: place.appending(path: "search.yaml").path)
    try PostNAS.begin(configuration, in: SearchFolder(place.appending(path: name))).run()
    // Faster than the killer: it comes.
    sleep(60)
  }
}
