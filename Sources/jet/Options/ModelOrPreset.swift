import ArgumentParser
import JetCheckpoint
import JetModels

/// A model on disk, or only a shape.
struct ModelOrPreset: ParsableArguments {
  /// What the arguments mean.
  enum Choice {
    case checkpoint(Checkpoint)
    case preset(String, ModelConfiguration)
  }

  @Argument(
    help: "A folder with config.json, a .gguf file, or a name such as smollm2-135m.",
    completion: .file(extensions: ["gguf"]))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "In place of MODEL, a shape without weights: "
        + "\(ModelConfiguration.presets.keys.sorted().joined(separator: ", ")).",
      valueName: "name"),
    completion: .list(ModelConfiguration.presets.keys.sorted()))
  var preset: String?

  func validate() throws {
    guard (model == nil) != (preset == nil) else {
      throw ValidationError(
        model == nil
          ? "There is no model; give MODEL or --preset."
          : "Both MODEL and --preset are given; give one of them.")
    }
  }

  /// Opens the checkpoint or finds the preset; weights are not read.
  func choice() throws -> Choice {
    if let preset { return .preset(preset, try .preset(preset)) }
    return .checkpoint(try Checkpoint(try ModelLocator().path(of: model ?? "")))
  }
}
