import GRDB

/// The tables of a journal.
enum JournalSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE candidate (
            id INTEGER PRIMARY KEY,
            objective TEXT NOT NULL,
            placement TEXT NOT NULL,
            observations BLOB NOT NULL,
            score REAL NOT NULL,
            standard_error REAL,
            items INTEGER NOT NULL,
            seconds REAL NOT NULL,
            time REAL NOT NULL,
            UNIQUE (objective, placement)
          );
          CREATE TABLE result (
            id INTEGER PRIMARY KEY,
            stage TEXT NOT NULL,
            name TEXT NOT NULL,
            json TEXT NOT NULL,
            time REAL NOT NULL,
            UNIQUE (stage, name)
          );
          """)
    }
    return migrator
  }
}
