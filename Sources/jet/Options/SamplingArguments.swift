import ArgumentParser
import JetInference

/// How tokens are chosen.
struct SamplingArguments: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Divides the logits; 0 always takes the most likely token.")
  var temperature: Float = 0.7

  @Option(
    parsing: .unconditional, help: "Keep this many of the most likely tokens (default: all).")
  var topK: Int?

  @Option(
    parsing: .unconditional,
    help: "Keep the fewest most likely tokens whose probabilities reach this sum.")
  var topP: Float = 0.95

  @Option(
    parsing: .unconditional,
    help: "Keep tokens at least this fraction as likely as the most likely one.")
  var minP: Float = 0

  @Option(
    parsing: .unconditional,
    help: "Divide positive and multiply negative logits of every token seen.")
  var repetitionPenalty: Float = 1

  @Option(
    parsing: .unconditional, help: "Subtracted once from the logit of every generated token.")
  var presencePenalty: Float = 0

  @Option(
    parsing: .unconditional,
    help: "Subtracted from the logit of a generated token for each time it was generated.")
  var frequencyPenalty: Float = 0

  @Option(
    parsing: .unconditional,
    help: "How many of the latest tokens the penalties look at (default: all).")
  var penaltyWindow: Int?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Add VALUE to the logit of token ID; may be repeated.", valueName: "id=value"))
  var logitBias: [String] = []

  @Option(
    parsing: .unconditional,
    help: "Start of the random numbers; the same seed draws the same tokens.")
  var seed: UInt64 = 0

  func validate() throws { _ = try options() }

  /// The options as a value.
  ///
  /// - Throws: `ValidationError` for a value out of range or a malformed bias.
  func options() throws -> SamplingOptions {
    var options = SamplingOptions()
    options.temperature = temperature
    options.topK = topK
    options.topP = topP
    options.minP = minP
    options.repetitionPenalty = repetitionPenalty
    options.presencePenalty = presencePenalty
    options.frequencyPenalty = frequencyPenalty
    options.penaltyWindow = penaltyWindow
    options.seed = seed
    for bias in logitBias {
      let parts = bias.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let token = Int(parts[0]), let value = Float(parts[1]) else {
        throw ValidationError("The logit bias \(bias) is not ID=VALUE; give one such as 42=-5.")
      }
      options.logitBias[token] = value
    }
    do {
      try options.validate()
    } catch {
      guard case .invalidOption(let name, let value, let expected) = error else { throw error }
      throw ValidationError("--\(Self.dashed(name)) is \(value); give \(expected).")
    }
    return options
  }

  /// `topP` as `top-p`.
  private static func dashed(_ name: String) -> String {
    name.map { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.joined()
  }
}
