import ArgumentParser
import JetCheckpoint

/// The model that a command works on.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: "A folder with config.json, a .gguf file, or a name such as smollm2-135m.",
    completion: .file(extensions: ["gguf"]))
  var model: String

  /// Opens it; weights are not read.
  func checkpoint() throws -> Checkpoint {
    try Checkpoint(try ModelLocator().path(of: model))
  }
}
