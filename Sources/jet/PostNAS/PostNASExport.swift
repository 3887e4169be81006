import ArgumentParser
import Foundation
import JetSearch

/// Copies the searched model out of a run.
struct PostNASExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the searched model as a folder that other programs load.",
    discussion: """
      EXAMPLES
        jet postnas export runs/demo models/hybrid
        jet generate models/hybrid "The capital of France is"
      """)

  @OptionGroup var place: RunArgument

  @Argument(help: "A folder that does not exist yet.", completion: .directory)
  var model: String

  func run() throws {
    let model = URL(filePath: model).absoluteURL.standardizedFileURL
    try place.folder.exportModel(to: model)
    try Terminal.print(model.path)
  }
}
