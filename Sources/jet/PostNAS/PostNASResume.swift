import ArgumentParser
import JetSearch

/// Goes on with a search.
struct PostNASResume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with a search.",
    discussion: """
      The run ends as it would have without a break: the same decisions, the same weights.

      EXAMPLES
        jet postnas resume runs/demo
      """)

  @OptionGroup var place: RunArgument

  func run() throws { try SearchAtTerminal.finish(PostNAS.resume(place.folder)) }
}
