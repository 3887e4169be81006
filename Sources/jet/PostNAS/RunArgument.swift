import ArgumentParser
import Foundation
import JetSearch

/// The folder of a run.
struct RunArgument: ParsableArguments {
  @Argument(help: "The folder of the run.", completion: .directory)
  var run: String

  var folder: SearchFolder { SearchFolder(URL(filePath: run).absoluteURL.standardizedFileURL) }
}

/// Carries a search out at the terminal: progress on standard error, Ctrl-C stops after the step.
enum SearchAtTerminal {
  /// The configuration of a file, models by their names and tasks in the fetched folder.
  static func configuration(_ path: String) throws -> SearchConfiguration {
    var made = try SearchConfiguration(contentsOf: path) { try ModelLocator().path(of: $0) }
    if made.evaluation.folder == nil {
      made.evaluation.folder = TaskChoice.fetchedFolders().first {
        FileManager.default.fileExists(atPath: $0)
      }
    }
    return made
  }

  /// Runs what is left of a search and prints the closing table.
  static func finish(_ search: PostNAS) throws {
    Interrupt.install()
    Terminal.note("jet postnas: \(search.needs.line)")
    prepare(search)
    try stoppable { try search.run() }
    try Terminal.print(try SearchReport(search.folder).table())
  }

  /// Lets a search tell its progress and ask for interrupts.
  static func prepare(_ search: PostNAS) {
    search.report = { Terminal.note($0.line) }
    search.shouldStop = { Interrupt.isRaised }
  }

  /// A search that was stopped is no failure, but no success either.
  static func stoppable<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let stopped as SearchStopped {
      Terminal.note(stopped.description)
      throw ExitCode(Interrupt.exitCode)
    }
  }
}
