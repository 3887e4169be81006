import ArgumentParser
import JetSearch

/// Helps with a search.
struct PostNASJoin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Work on a search beside the process that runs it, on a GPU of its own.",
    discussion: """
      Takes what no other process has in hand: trainings that do not depend on each other, \
      candidates of a placement. All processes come to the same results; one that ends early \
      leaves its work to the others. All are processes of one machine, since the journal is a \
      file of SQLite that they share.

      EXAMPLES
        CUDA_VISIBLE_DEVICES=1 jet postnas join runs/smollm2
      """)

  @OptionGroup var place: RunArgument

  func run() throws { try SearchAtTerminal.finish(PostNAS.join(place.folder)) }
}
