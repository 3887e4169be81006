import ArgumentParser
import JetInference

/// How the prompts of a file are gone on with.
struct BatchArguments: ParsableArguments {
  /// How many sequences run at once where nothing else is said.
  static let defaultParallel = 8
  /// The bound of ``prefixMemory``, far above any machine's memory.
  private static let maximumMebibytes = 1 << 30

  @Option(
    parsing: .unconditional,
    help: "With --prompts: how many texts to generate at once (default: \(defaultParallel)).")
  var parallel: Int?

  @Flag(help: "With --prompts: print each text when it is done, not in the order of the prompts.")
  var unordered = false

  @Option(
    help: ArgumentHelp(
      "With --prompts: write the results to this file, all of them at the end; until then they are in "
        + "FILE.partial, from which the same command goes on.", valueName: "file"),
    completion: .file())
  var output: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --prompts: the most memory for states after beginnings that prompts share, which are "
        + "then read once; 0 reads each prompt whole (default: \(PrefixOptions().maximumBytes >> 20)).",
      valueName: "MiB"))
  var prefixMemory: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --prompts: shared beginnings count in multiples of so many tokens (default: "
        + "\(PrefixOptions().blockTokens)).", valueName: "tokens"))
  var prefixTokens: Int?

  func validate() throws {
    if let parallel, parallel < 1 {
      throw ValidationError("The number of texts at once is \(parallel); give 1 or more.")
    }
    if let prefixMemory, !(0...Self.maximumMebibytes).contains(prefixMemory) {
      throw ValidationError(
        "The memory for shared beginnings is \(prefixMemory) MiB; give 0 to "
          + "\(Self.maximumMebibytes).")
    }
    if let prefixTokens { try CountBounds.expect("--prefix-tokens", [prefixTokens]) }
  }

  /// The name of an argument that was given; nil where none was.
  var given: String? {
    [
      ("--parallel", parallel != nil), ("--unordered", unordered), ("--output", output != nil),
      ("--prefix-memory", prefixMemory != nil), ("--prefix-tokens", prefixTokens != nil),
    ].first { $0.1 }?.0
  }

  /// What is kept of prompts for others; nil where nothing is.
  var prefixes: PrefixOptions? {
    guard prefixMemory != 0 else { return nil }
    var options = PrefixOptions()
    if let prefixMemory { options.maximumBytes = prefixMemory << 20 }
    if let prefixTokens { options.blockTokens = prefixTokens }
    return options
  }
}
