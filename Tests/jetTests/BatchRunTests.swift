import JetInference
import JetKernels
import JetModels
import JetTensor
import Testing

@testable import jet

struct BatchRunTests {
  private static let configuration = ModelConfiguration(
    family: .jetNemotron, vocabularySize: ByteText.vocabularySize, width: 16, mlpWidth: 32,
    mixers: [
      .jet(JetBlockConfiguration(heads: 2, keyWidth: 4, valueWidth: 8)),
      .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8)),
      .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8, window: 4)),
    ],
    normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 60,
    tiesEmbeddings: true, initializerDeviation: 0.2)

  private static func model() throws -> HybridModel {
    try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: 5))
  }

  private func prompts(_ texts: [String], _ options: GenerationOptions) throws -> [BatchPrompt] {
    try BatchPrompt.all(
      try texts.enumerated().map { index, text in
        try PromptLine(.init(text: text, place: "f, line \(index + 1)"))
      }, options: options, maximumPositions: 60, vocabularySize: ByteText.vocabularySize
    ) { $0.utf8.map { Int($0) } }
  }

  private func run(
    _ prompts: [BatchPrompt], stops: [String] = [], isOrdered: Bool = true
  ) throws
    -> BatchRun
  {
    BatchRun(
      prompts: prompts, stream: try TextStream(ByteText.tokenizer(), stops: stops),
      isOrdered: isOrdered)
  }

  @Test(arguments: [1, 3, 8], [true, false])
  func `each text is the one that its prompt gives alone`(
    parallel: Int, isOrdered: Bool
  ) throws {
    let prompts = try prompts(
      [
        "Once upon a time", "a", "{\"prompt\": \"bc\", \"temperature\": 0, \"id\": \"x\"}",
        "{\"prompt\": \"long enough to fill the context of sixty tokens\", \"max_tokens\": 40}",
        "{\"prompt\": \"none\", \"max_tokens\": 0, \"id\": 4}", "last",
      ],
      GenerationOptions(maximumTokens: 9, stopTokens: [ByteText.end]))
    let load = ServingLoad(prompts, parallel: parallel, maximumPositions: 60)
    #expect(load.slots == min(parallel, 6) && load.contexts.first == 60)
    let engine = try Engine(
      runner: sequenceRunner(
        try Self.model(), load.capacity(vocabularySize: ByteText.vocabularySize)))
    var reports: [BatchReport] = []
    var done: [Int] = []
    let totals = try run(prompts, isOrdered: isOrdered).run(
      engine, isCancelled: { false }, onProgress: { done.append($0) },
      onReport: { reports.append($0) })
    #expect(done == [1, 2, 3, 4, 5, 6])
    #expect(totals.finished == 6 && totals.failed == 0 && !totals.isInterrupted)
    #expect(totals.generatedTokens == reports.reduce(0) { $0 + $1.tokens.count })
    if isOrdered { #expect(reports.map(\.index) == [0, 1, 2, 3, 4, 5]) }
    let model = try Self.model()
    for report in reports {
      let prompt = prompts[report.index]
      let alone = try GeneratedText(
        model: try HybridSequence(model), prompt: prompt.request.prompt,
        options: prompt.request.options, stream: try TextStream(ByteText.tokenizer()),
        isCancelled: { false }, onText: { _ in })
      #expect(report.tokens == alone.result.tokens && report.text == alone.text)
      #expect(report.finishReason == alone.reason && report.error == nil)
      #expect(report.id == prompt.id && report.promptTokens == prompt.request.prompt.count)
    }
  }

  /// A runner whose every sequence writes the same text.
  private func scripted(_ text: String, slots: Int = 2) -> sending SequenceRunner {
    SequenceRunner(
      capacity: EngineCapacity(
        slots: slots, pages: 100, pageTokens: 16, maximumPositions: 1000,
        vocabularySize: ByteText.vocabularySize, maximumBatch: slots)
    ) { _ in ScriptedModel([text]) }
  }

  @Test func `a stop text ends its text only`() throws {
    let prompts = try prompts(
      ["a", "{\"prompt\": \"b\", \"max_tokens\": 2}", "c"],
      GenerationOptions(maximumTokens: 100, stopTokens: [ByteText.end]))
    var reports: [BatchReport] = []
    _ = try run(prompts, stops: ["#"]).run(
      try Engine(runner: scripted("abc#def")), isCancelled: { false },
      onReport: { reports.append($0) })
    #expect(reports.map(\.text) == ["abc", "ab", "abc"])
    #expect(reports.map(\.finishReason) == [.stopText, .length, .stopText])
    #expect(reports.map(\.tokens.count) == [4, 2, 4])
  }

  @Test func `an interrupt keeps the texts that had ended`() throws {
    let prompts = try prompts(
      ["a", "b", "{\"prompt\": \"c\", \"max_tokens\": 900}", "d"],
      GenerationOptions(maximumTokens: 3))
    var isRaised = false
    var reports: [BatchReport] = []
    let totals = try run(prompts).run(
      try Engine(runner: scripted(String(repeating: "x", count: 2000), slots: 1)),
      isCancelled: { isRaised },
      onReport: {
        reports.append($0)
        isRaised = true
      })
    #expect(totals.isInterrupted && totals.finished == reports.count)
    #expect((1...4).contains(reports.count) && reports[0].text == "xxx")
  }

  @Test func `an error of one prompt is its result`() throws {
    struct Refusal: Error {}
    let prompts = try prompts(["a", "b"], GenerationOptions(maximumTokens: 3))
    let runner = SequenceRunner(
      capacity: EngineCapacity(
        slots: 1, pages: 100, pageTokens: 16, maximumPositions: 1000,
        vocabularySize: ByteText.vocabularySize, maximumBatch: 1)
    ) { tokens in
      // Of the two only the second has room for more than three tokens and its prompt.
      guard tokens > 16 else { throw Refusal() }
      return ScriptedModel(["abc"])
    }
    var long = prompts
    long[1] = BatchPrompt(
      index: 1, id: .number(9),
      request: EngineRequest(
        prompt: Array(repeating: 1, count: 20), options: prompts[1].request.options))
    var lines: [String] = []
    let totals = try run(long).run(
      try Engine(runner: runner), isCancelled: { false },
      onReport: { lines.append(try jsonLine($0)) })
    #expect(totals.failed == 1 && totals.finished == 1)
    #expect(
      lines[0]
        == "{\"error\":\"Refusal()\",\"index\":0,\"prompt_tokens\":1,\"seed\":0,\"text\":\"\","
        + "\"tokens\":[]}")
    #expect(lines[1].contains("\"finish_reason\":\"length\"") && lines[1].contains("\"id\":9"))
    #expect(lines[1].contains("\"text\":\"abc\"") && lines[1].contains("\"first_token_seconds\":"))
  }
}

/// A plain runner over a model: sequences that take turns.
private func sequenceRunner(
  _ model: sending HybridModel, _ capacity: EngineCapacity
) -> sending SequenceRunner {
  SequenceRunner(capacity: capacity) { tokens in
    try HybridSequence(
      model, maximumPositions: capacity.maximumPositions, reservedTokens: tokens)
  }
}
