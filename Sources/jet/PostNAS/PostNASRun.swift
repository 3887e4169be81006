import ArgumentParser
import JetSearch

/// Begins a search.
struct PostNASRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Begin a search.",
    discussion: """
      Everything is checked before anything is computed: keys and values, files, memory, disk. A \
      folder with a run of the same configuration is gone on with; one with another is refused.

      Progress goes to standard error, the closing table to standard output. Ctrl-C ends it after \
      the step at hand, with all work kept and exit code 130.

      EXAMPLES
        jet postnas run configs/smollm2-demo.yaml runs/demo
      """)

  @Argument(
    help: ArgumentHelp("A YAML file.", valueName: "config"),
    completion: .file(extensions: ["yaml", "yml"]))
  var configurationFile: String

  @OptionGroup var place: RunArgument

  func run() throws {
    let configuration = try SearchAtTerminal.configuration(configurationFile)
    try SearchAtTerminal.finish(PostNAS.begin(configuration, in: place.folder))
  }
}
