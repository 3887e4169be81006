import ArgumentParser
import JetCheckpoint
import JetInference
import JetModels
import JetText

/// A conversation in the terminal.
struct Chat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Talk with a model in the terminal.",
    discussion: """
      Answers appear as they are made. Ctrl-C stops an answer, Ctrl-D or /exit ends the program, \
      and /help lists what else can be typed. From a pipe, each line is a message.

      EXAMPLES
        jet chat smollm2-135m
        jet chat smollm2-135m --system "Answer in one sentence."
        printf 'Hello!\\nWho are you?\\n' | jet chat smollm2-135m
      """)

  @OptionGroup var model: ModelArgument
  @Option(help: "The system message.") var system: String?
  @OptionGroup(title: "Length") var length: LengthArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  func run() throws {
    Interrupt.install()
    try runtime.prepare()
    let checkpoint = try model.checkpoint()
    guard let template = try checkpoint.chatTemplate() else {
      throw CommandError(
        "\(checkpoint.path) has no chat template; use `jet generate`, which goes on with a text.")
    }
    let format = Conversation.Format(
      template: template, variables: try checkpoint.templateVariables(),
      tokenizer: try checkpoint.tokenizer())
    let context = length.context ?? checkpoint.configuration.maximumPositions
    let sequence = try HybridSequence(
      try checkpoint.model(runtime, context: min(context, 4096)), maximumPositions: length.context,
      reservedTokens: min(context, 2048))
    let options = GenerationOptions(
      maximumTokens: length.maxTokens, sampling: try sampling.options(),
      stopTokens: try checkpoint.endTokens())
    var session = ChatSession(
      conversation: Conversation(sequence, format: format, system: system), options: options,
      stops: length.stop)
    try session.run()
  }
}
