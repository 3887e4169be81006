public import Foundation
import GRDB
import JetEvaluation

/// The memory of a run: what was done, scored and measured, in one SQLite file.
///
/// Whatever is recorded is on disk when the call returns. Others may read while a run writes.
public final class Journal: Sendable {
  private let database: any DatabaseWriter

  /// The journal at `url`, made where there is none.
  ///
  /// - Throws: ``SearchError`` when the file is no journal or cannot be written.
  public init(_ url: URL) throws {
    do {
      var configuration = GRDB.Configuration()
      configuration.busyMode = .timeout(10)
      let pool = try DatabasePool(path: url.path, configuration: configuration)
      // A pool begins with NORMAL, whatever was prepared.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      database = pool
      try JournalSchema.migrator.migrate(database)
    } catch let error as DatabaseError {
      throw SearchError("\(url.path) cannot be opened as a journal: \(error.message ?? "\(error)")")
    }
  }

  /// The journal at `url`, only to look at, while another process may write it.
  ///
  /// - Throws: ``SearchError`` when there is none.
  public init(reading url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw SearchError("\(url.path) does not exist; the run has not begun its first stage")
    }
    do {
      var configuration = GRDB.Configuration()
      configuration.readonly = true
      configuration.busyMode = .timeout(10)
      database = try DatabasePool(path: url.path, configuration: configuration)
    } catch let error as DatabaseError {
      throw SearchError("\(url.path) cannot be read as a journal: \(error.message ?? "\(error)")")
    }
  }

  // MARK: Candidates

  /// How many candidates were scored, by objective.
  public func candidateCounts() throws -> [(objective: String, count: Int)] {
    try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT objective, COUNT(*) FROM candidate GROUP BY objective ORDER BY MIN(id)"
      ).map { ($0[0], $0[1]) }
    }
  }

  /// The best candidate of an objective; nil where none was scored.
  public func bestCandidate(objective: String) throws -> Candidate? {
    let row = try database.read { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT placement, observations FROM candidate WHERE objective = ?
          ORDER BY score DESC, id LIMIT 1
          """, arguments: [objective])
    }
    guard let row, let placement = Placement(key: row[0]) else { return nil }
    return Candidate(placement, observations: [Double](blob: row[1]))
  }

  /// Seconds in which candidates were scored.
  func candidateSeconds() throws -> Double {
    try database.read { db in
      try Double.fetchOne(db, sql: "SELECT SUM(seconds) FROM candidate") ?? 0
    }
  }

  /// A candidate that was scored before; nil where it was not.
  public func candidate(_ placement: Placement, objective: String) throws -> Candidate? {
    try numbered(placement, objective: objective)?.candidate
  }

  /// A candidate that was scored before, with its number in the order in which all were; nil where it was not.
  func numbered(
    _ placement: Placement, objective: String
  ) throws -> (number: Int, candidate: Candidate)? {
    let row = try database.read { db in
      try Row.fetchOne(
        db, sql: "SELECT id, observations FROM candidate WHERE objective = ? AND placement = ?",
        arguments: [objective, placement.key])
    }
    return row.map { ($0[0], Candidate(placement, observations: [Double](blob: $0[1]))) }
  }

  /// The number of the candidate that was scored last; 0 where there is none.
  func lastCandidate() throws -> Int {
    try database.read { try Int.fetchOne($0, sql: "SELECT MAX(id) FROM candidate") ?? 0 }
  }

  /// All candidates of an objective, in the order in which they were scored.
  public func candidates(objective: String) throws -> [Candidate] {
    let rows = try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT placement, observations FROM candidate WHERE objective = ? ORDER BY id",
        arguments: [objective])
    }
    return rows.compactMap { row in
      let (key, blob): (String, Data) = (row[0], row[1])
      return Placement(key: key).map { Candidate($0, observations: [Double](blob: blob)) }
    }
  }

  /// Keeps a candidate.
  func record(_ candidate: Candidate, objective: String, seconds: Double) throws {
    try database.write { db in
      try db.execute(
        sql: """
          INSERT INTO candidate
            (objective, placement, observations, score, standard_error, items, seconds, time)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          objective, candidate.placement.key, candidate.observations.blob, candidate.score.value,
          candidate.score.standardError, candidate.score.count, seconds,
          Date().timeIntervalSince1970,
        ])
    }
  }

  // MARK: Results

  /// Keeps a value under a stage and a name, in place of what was there.
  public func record(_ value: some Encodable, stage: String, name: String) throws {
    let json = try Self.json(value)
    try database.write { db in
      try db.execute(
        sql: """
          INSERT INTO result (stage, name, json, time) VALUES (?, ?, ?, ?)
          ON CONFLICT (stage, name) DO UPDATE SET json = excluded.json, time = excluded.time
          """,
        arguments: [stage, name, json, Date().timeIntervalSince1970])
    }
  }

  /// Keeps a value under a stage and a name unless there is one already; gives what is there.
  func keep<Value: Codable>(_ value: Value, stage: String, name: String) throws -> Value {
    let json = try Self.json(value)
    try database.write { db in
      try db.execute(
        sql: "INSERT OR IGNORE INTO result (stage, name, json, time) VALUES (?, ?, ?, ?)",
        arguments: [stage, name, json, Date().timeIntervalSince1970])
    }
    return try result(Value.self, stage: stage, name: name) ?? value
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// The value under a stage and a name; nil where there is none.
  ///
  /// - Throws: ``SearchError`` when it is of another kind.
  public func result<Value: Decodable>(
    _ type: Value.Type, stage: String, name: String
  ) throws -> Value? {
    let json = try database.read { db in
      try String.fetchOne(
        db, sql: "SELECT json FROM result WHERE stage = ? AND name = ?", arguments: [stage, name])
    }
    return try json.map { try decoded(type, $0, stage, name) }
  }

  /// All values of a stage that are of a kind, by name, in the order in which they were first recorded.
  public func results<Value: Decodable>(
    _ type: Value.Type, stage: String
  ) throws -> [(name: String, value: Value)] {
    let rows = try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT name, json FROM result WHERE stage = ? ORDER BY id", arguments: [stage])
    }
    return try rows.map { row in
      let (name, json): (String, String) = (row[0], row[1])
      return (name, try decoded(type, json, stage, name))
    }
  }

  /// The names of a stage's values, in the order in which they were first recorded.
  public func names(stage: String) throws -> [String] {
    try database.read { db in
      try String.fetchAll(
        db, sql: "SELECT name FROM result WHERE stage = ? ORDER BY id", arguments: [stage])
    }
  }

  private func decoded<Value: Decodable>(
    _ type: Value.Type, _ json: String, _ stage: String, _ name: String
  ) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(json.utf8))
    } catch {
      throw SearchError(
        "the journal's result '\(name)' of stage '\(stage)' is not of the expected kind; it was written "
          + "by another version: begin the run anew")
    }
  }
}

extension [Double] {
  fileprivate var blob: Data { withUnsafeBytes { Data($0) } }

  fileprivate init(blob: Data) {
    self.init(unsafeUninitializedCapacity: blob.count / 8) { buffer, count in
      count = blob.count / 8
      blob.copyBytes(to: buffer, from: 0..<count * 8)
    }
  }
}
