import ArgumentParser
import Foundation
import JetSearch

/// Writes the report anew.
struct PostNASReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write the run's report.html anew, finished or not.",
    discussion: """
      EXAMPLES
        jet postnas report runs/demo
      """)

  @OptionGroup var place: RunArgument

  func run() throws {
    try SearchReport(place.folder).write()
    try Terminal.print(place.folder.report.path)
  }
}
