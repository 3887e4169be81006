import ArgumentParser

/// How the prompts of a file are gone on with.
struct BatchArguments: ParsableArguments {
  /// How many sequences run at once where nothing else is said.
  static let defaultParallel = 8

  @Option(
    parsing: .unconditional,
    help: "With --prompts: how many texts to generate at once (default: \(defaultParallel)).")
  var parallel: Int?

  @Flag(help: "With --prompts: print each text when it is done, not in the order of the prompts.")
  var unordered = false

  @Option(
    help: "With --prompts: write the results to this file, all of them at the end.",
    completion: .file())
  var output: String?

  func validate() throws {
    if let parallel, parallel < 1 {
      throw ValidationError("The number of texts at once is \(parallel); give 1 or more.")
    }
  }

  /// The name of an argument that was given; nil where none was.
  var given: String? {
    parallel != nil
      ? "--parallel" : unordered ? "--unordered" : output != nil ? "--output" : nil
  }
}
