import ArgumentParser

/// How long a text may become, and what ends it before.
struct LengthArguments: ParsableArguments {
  @Option(parsing: .unconditional, help: "The most tokens to generate.")
  var maxTokens: Int = 256

  @Option(
    parsing: .unconditionalSingleValue,
    help: "End where this text would be generated; may be repeated.")
  var stop: [String] = []

  @Option(
    parsing: .unconditional,
    help: "The most tokens of prompt and answer together (default: as many as the model has).")
  var context: Int?

  func validate() throws {
    try CountBounds.expect("--max-tokens", [maxTokens], from: 0)
    if let context, context < 1 {
      throw ValidationError("The context is \(context) tokens; give 1 or more.")
    }
    if stop.contains("") {
      throw ValidationError("A stop text is empty and would match everywhere; leave it out.")
    }
  }
}
