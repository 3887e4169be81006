import ArgumentParser
import JetSearch

/// Shows how far a search is.
struct PostNASStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how far a search is, also while it runs.",
    discussion: """
      Shows stages with what they took, what is worked on with rate and time left, candidates and \
      the best of them, and what was decided.

      EXAMPLES
        jet postnas status runs/demo
      """)

  @OptionGroup var place: RunArgument

  func run() throws { try Terminal.print(SearchStatus(place.folder).text) }
}
