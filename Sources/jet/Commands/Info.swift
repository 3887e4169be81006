import ArgumentParser
import JetCheckpoint
import JetModels
import JetTensor

/// Says what a model is.
struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a model's layers, parameters, and bytes of weights and state.",
    discussion: """
      Only the configuration and the list of tensors are read, so this takes no time and no \
      memory.

      EXAMPLES
        jet info smollm2-135m
        jet info --preset jet-nemotron-2b --context 65536
        jet info smollm2-135m --json
      """)

  @OptionGroup var model: ModelOrPreset

  @Option(
    parsing: .unconditional,
    help: "Tokens of context for which the state is counted (default: 4096, or all that there are)."
  )
  var context: Int?

  @Option(help: "Element type for which bytes are counted (default: the checkpoint's own).")
  var dtype: NumberType?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if let context, context < 1 {
      throw ValidationError("The context is \(context) tokens; give 1 or more.")
    }
  }

  func run() throws {
    let report =
      switch try model.choice() {
      case .checkpoint(let checkpoint):
        ModelReport(
          model: checkpoint.path, checkpoint.configuration,
          storedBytes: checkpoint.storedByteCount,
          dtype: dtype?.dtype ?? checkpoint.defaultDType,
          context: try tokens(of: checkpoint.configuration, checkpoint.path))
      case .preset(let name, let configuration):
        ModelReport(
          model: name, configuration, storedBytes: nil, dtype: dtype?.dtype ?? .bfloat16,
          context: try tokens(of: configuration, name))
      }
    try Terminal.print(json ? jsonLine(report) : report.text)
  }

  private func tokens(of configuration: ModelConfiguration, _ model: String) throws -> Int {
    let positions = configuration.maximumPositions
    guard let context else { return min(4096, positions) }
    guard context <= positions else {
      throw CommandError(
        "A context of \(Numbers.grouped(context)) tokens was asked for and \(model) has "
          + "\(Numbers.grouped(positions)) positions; ask for at most that many.")
    }
    return context
  }
}
