import ArgumentParser
import Foundation
import JetSearch

/// Converts a teacher into one given hybrid and trains it.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a teacher into a given hybrid and distil it.",
    discussion: """
      CONFIG is that of `jet postnas` with two keys more: `architecture.placement`, a letter a \
      layer (F full attention, W a window, L linear), and `architecture.linear`, a kind. Of the rest \
      `data`, `training` and `final` count. The model goes to FOLDER/export.

      Ctrl-C ends it after the step at hand; the same command goes on from there.

      EXAMPLES
        jet train configs/hybrid.yaml runs/hybrid
      """)

  @Argument(
    help: ArgumentHelp("A YAML file.", valueName: "config"),
    completion: .file(extensions: ["yaml", "yml"]))
  var configurationFile: String

  @OptionGroup var place: RunArgument

  func run() throws {
    Interrupt.install()
    let configuration = try HybridTrainingConfiguration(
      contentsOf: configurationFile
    ) { try ModelLocator().path(of: $0) }
    let training = try HybridTraining(configuration, in: place.folder)
    training.report = { Terminal.note($0.line) }
    training.shouldStop = { Interrupt.isRaised }
    let model = try SearchAtTerminal.stoppable { try training.run() }
    try Terminal.print(model.path)
  }
}
