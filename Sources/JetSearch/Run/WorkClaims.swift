import Foundation
import JetEvaluation

/// Who does what among the processes of one run.
///
/// Each unit of work has a name, and whoever holds its claim does it; a claim ends with its process. All results go
/// through the journal: look there again once a claim is held, since another process may have been faster.
struct WorkClaims {
  private let folder: URL

  /// The claims of a run.
  ///
  /// - Throws: ``SearchError`` when the folder cannot be made.
  init(_ run: SearchFolder) throws(SearchError) {
    folder = run.url.appending(path: "claims")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw SearchError("\(folder.path) cannot be made: \(error.localizedDescription)")
    }
  }

  /// The claim of a unit; nil while another process has it.
  ///
  /// - Throws: ``SearchError`` when the folder cannot be written.
  func take(_ unit: String) throws(SearchError) -> LockedFile? {
    guard let file = try LockedFile(path(unit)) else { return nil }
    try file.sign()
    return file
  }

  /// The process that has a unit in hand; nil when none does.
  func holder(_ unit: String) -> Int? { LockedFile.holder(path(unit)) }

  private func path(_ unit: String) -> String {
    folder.appending(path: String(SHA256.text(Data(unit.utf8)).prefix(32))).path
  }

  /// Does a unit of work that one process at a time may do, or finds it done.
  ///
  /// - Parameters:
  ///   - unit: its name.
  ///   - waits: whether to wait while another process has it in hand.
  ///   - known: what was recorded of it; nil while it is not done.
  ///   - whileWaiting: called again and again while another process has it.
  ///   - make: does it and records it.
  /// - Returns: nil where another process has it and `waits` is false.
  func perform<Value>(
    _ unit: String, waits: Bool, known: () throws -> Value?,
    whileWaiting: () throws -> Void = {}, _ make: () throws -> Value?
  ) throws -> Value? {
    var pause: UInt32 = 2_000
    while true {
      if let value = try known() { return value }
      if let claim = try take(unit) {
        // Finished between the look into the journal and the claim?
        let value = try known() ?? make()
        // Whoever still opens the file finds the result.
        claim.remove()
        return value
      }
      guard waits else { return nil }
      try whileWaiting()
      usleep(pause)
      pause = min(2 * pause, 500_000)
    }
  }

  /// Does what one process at a time may do, and what leaves no record: its file stays, so that all lock the same one.
  func exclusively<Value>(
    _ name: String, whileWaiting: () throws -> Void = {}, _ body: () throws -> Value
  ) throws -> Value {
    while true {
      if let claim = try take(name) { return try withExtendedLifetime(claim) { try body() } }
      try whileWaiting()
      usleep(20_000)
    }
  }

  /// What a list of units gives, in its order: again and again each that is missing is asked for, until all are there.
  ///
  /// - Parameters:
  ///   - attempt: what a unit gave; nil while another process has it in hand.
  ///   - whileWaiting: called with the first unit that is missing when no unit was to be had.
  static func all<Unit, Value>(
    _ units: [Unit], whileWaiting: (Unit) throws -> Void, _ attempt: (Unit) throws -> Value?
  ) throws -> [Value] {
    var values = [Value?](repeating: nil, count: units.count)
    var pause: UInt32 = 2_000
    while true {
      var hasAny = false
      for place in units.indices where values[place] == nil {
        values[place] = try attempt(units[place])
        hasAny = hasAny || values[place] != nil
      }
      guard let missing = values.firstIndex(where: { $0 == nil }) else {
        return values.compactMap(\.self)
      }
      if hasAny {
        pause = 2_000
      } else {
        try whileWaiting(units[missing])
        usleep(pause)
        pause = min(2 * pause, 500_000)
      }
    }
  }
}
