import ArgumentParser
import JetCheckpoint
import JetInference
import JetText

/// Goes on with a text.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a text, or answer a message with --chat.",
    discussion: """
      The text goes to standard output as it is made; a closing line with the rates goes to \
      standard error. Ctrl-C ends it with exit code 130 and keeps what was written.

      EXAMPLES
        jet generate smollm2-135m "Once upon a time" --max-tokens 100
        jet generate smollm2-135m --chat "What is the capital of France?"
        jet generate smollm2-135m --temperature 0 --ids 19556,28,905
        jet generate smollm2-135m --file letter.txt --samples 3 --json
        jet generate smollm2-135m --prompts prompts.jsonl --output texts.jsonl
        echo "def add(a, b):" | jet generate smollm2-135m - --stop $'\\n\\n'
      """)

  @OptionGroup var model: ModelArgument
  @OptionGroup var prompt: PromptArguments
  @OptionGroup(title: "Length") var length: LengthArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Many prompts") var batch: BatchArguments
  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  @Option(
    parsing: .unconditional,
    help: "How many texts to generate; the prompt is read once, the seed goes up by one each time.")
  var samples = 1

  @Flag(help: "Go on after tokens that end a text.")
  var ignoreEnd = false

  @Flag(help: "Print one JSON object a text in place of the text.")
  var json = false

  func validate() throws {
    guard samples >= 1 else {
      throw ValidationError("The number of samples is \(samples); give 1 or more.")
    }
    if prompt.prompts != nil, samples > 1 {
      throw ValidationError(
        "--samples is for one prompt; with --prompts repeat the lines, for each has its own seed.")
    }
    if prompt.prompts == nil, let name = batch.given {
      throw ValidationError("\(name) needs --prompts, a file with a prompt a line.")
    }
  }

  func run() throws {
    Interrupt.install()
    try runtime.prepare()
    let checkpoint = try model.checkpoint()
    let tokenizer = try checkpoint.tokenizer()
    if let prompts = prompt.prompts { return try run(prompts, checkpoint, tokenizer) }
    let tokens = try prompt.tokens(checkpoint, tokenizer)
    let needed = tokens.count + length.maxTokens
    let sequence = PrefixReusingSequence(
      try HybridSequence(
        try checkpoint.model(runtime, context: needed), maximumPositions: length.context,
        reservedTokens: needed))
    var options = try self.options(checkpoint)
    let stream = try TextStream(tokenizer, stops: length.stop)
    // Copies made before the prompt is read would each read it again.
    let promptSeconds =
      samples == 1
      ? nil
      : try Stopwatch.seconds {
        _ = try Self.interruptible { try sequence.prefill(tokens) { Interrupt.isRaised } }
      }
    var isInterrupted = false
    for sample in 0..<samples where !isInterrupted {
      options.sampling.seed = sampling.seed &+ UInt64(sample)
      let own = samples > 1 ? try sequence.copy() : sequence
      var generated = try Self.interruptible {
        try GeneratedText(model: own, prompt: tokens, options: options, stream: stream) {
          if !json { try Terminal.write($0) }
        }
      }
      if let promptSeconds { generated.result.prefillSeconds = promptSeconds }
      if json {
        let report = GenerationReport(generated, sample: sample, seed: options.sampling.seed)
        try Terminal.print(jsonLine(report))
      } else {
        try Terminal.print("")
        Terminal.note(generated.summary(readTokens: sample == 0 ? tokens.count : 0))
      }
      isInterrupted = generated.reason == .interrupted
    }
    if isInterrupted { throw ExitCode(Interrupt.exitCode) }
  }

  /// When a text ends and how its tokens are chosen.
  func options(_ checkpoint: Checkpoint) throws -> GenerationOptions {
    GenerationOptions(
      maximumTokens: length.maxTokens, sampling: try sampling.options(),
      stopTokens: try checkpoint.endTokens(), ignoresStopTokens: ignoreEnd)
  }

  private static func interruptible<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch is CancellationError {
      Terminal.note("Interrupted while the prompt was read.")
      throw ExitCode(Interrupt.exitCode)
    }
  }
}
