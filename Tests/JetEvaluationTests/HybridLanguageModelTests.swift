import JetInference
import JetModels
import JetTensor
import JetText
import Testing

@testable import JetEvaluation

struct HybridLanguageModelTests {
  private static func model(
    batchTokens: Int = 4096, window: Int = 2048, seed: UInt64 = 3
  ) throws
    -> HybridLanguageModel
  {
    try HybridLanguageModel(
      try TinyModel.model(seed: seed), tokenizer: try TinyModel.tokenizer(),
      endTokens: [TinyModel.end], batchTokens: batchTokens, window: window)
  }

  /// Contexts that are shared and not, empty and long; continuations of one byte and of many.
  private static let requests = [
    ("", "Hello"), ("The cat", " sat"), ("The cat", " sat on the mat"), ("The cat", "s"),
    ("A longer context that goes past the window", " yes"),
    ("A longer context that goes past the window", " no, not at all"), ("x", "y"), ("", "H"),
    ("trailing space ", "then"), ("The cat", " sat"),
  ].map { ContinuationRequest(context: $0.0, continuation: $0.1) }

  private static func scores(
    _ model: HybridLanguageModel, _ requests: [ContinuationRequest] = requests
  ) throws -> [ContinuationScore] {
    var found: [Int: ContinuationScore] = [:]
    try model.logLikelihoods(requests) {
      #expect(found[$0] == nil)
      found[$0] = $1
    }
    return try requests.indices.map { try #require(found[$0]) }
  }

  private static func expectClose(_ a: ContinuationScore, _ b: ContinuationScore) {
    #expect(abs(a.logLikelihood - b.logLikelihood) <= 1e-4 * Double(a.tokenCount), "\(a) \(b)")
    #expect(a.isGreedy == b.isGreedy && a.tokenCount == b.tokenCount)
  }

  @Test func `a continuation is as likely as one pass over the whole says`() throws {
    let tokenizer = try TinyModel.tokenizer()
    let model = try TinyModel.model()
    for (request, score) in zip(Self.requests, try Self.scores(try Self.model())) {
      let context = tokenizer.encode(request.context)
      let all = tokenizer.encode(request.context + request.continuation)
      let isSpaced = request.context.hasSuffix(" ")
      let read = context.isEmpty ? [TinyModel.begin] + all : all
      let scored = all.count - context.count + (isSpaced ? 1 : 0)
      let expected = TinyModel.logLikelihoods(read, model).suffix(scored)
      #expect(score.tokenCount == scored)
      #expect(abs(score.logLikelihood - expected.reduce(0, +)) <= 1e-4 * Double(scored))
    }
  }

  @Test(arguments: [1, 7, 64, 200])
  func `batches of any size agree with each request alone`(batchTokens: Int) throws {
    let together = try Self.scores(try Self.model(batchTokens: batchTokens))
    let alone = try Self.model()
    for (request, score) in zip(Self.requests, together) {
      Self.expectClose(score, try Self.scores(alone, [request])[0])
    }
  }

  @Test func `what the model would write is greedy`() throws {
    let model = try Self.model()
    var written = ""
    try model.generate([GenerationRequest(context: "The cat", stop: [], maximumTokens: 6)]) {
      written = $1.text
    }
    // Bytes that are no UTF-8 cannot be given back; this seed writes text.
    let score = try Self.scores(
      model, [ContinuationRequest(context: "The cat", continuation: written)])[0]
    if !written.unicodeScalars.contains("\u{FFFD}"), score.tokenCount == 6 {
      #expect(score.isGreedy)
    }
    let other = try Self.scores(
      model, [ContinuationRequest(context: "The cat", continuation: written + "zq")])[0]
    #expect(!other.isGreedy || written.isEmpty)
  }

  @Test func `a context that is too long loses its beginning`() throws {
    let long = String(repeating: "abcdefg ", count: 12)
    let model = try Self.model()
    let score = try Self.scores(
      model, [ContinuationRequest(context: long + "x", continuation: "yz")])[0]
    // 97 and 2 bytes, of which the last is not read, and 64 positions.
    #expect(score.droppedTokens == 34)
    let kept = try Self.scores(
      model, [ContinuationRequest(context: String((long + "x").suffix(63)), continuation: "yz")])[0]
    #expect(kept.droppedTokens == 0)
    #expect(abs(score.logLikelihood - kept.logLikelihood) < 1e-4)
    #expect(throws: EvaluationError.self) {
      try Self.scores(model, [ContinuationRequest(context: "a", continuation: long)])
    }
    #expect(throws: EvaluationError.self) {
      try Self.scores(model, [ContinuationRequest(context: "a", continuation: "")])
    }
  }

  @Test(arguments: [4, 5, 64])
  func `a rolling text is cut into windows that begin with the token before`(window: Int) throws {
    let text = "It rolls on and on."
    let tokens = try TinyModel.tokenizer().encode(text)
    let model = try TinyModel.model()
    var found: [Int: RollingScore] = [:]
    try Self.model(batchTokens: 16, window: window).rollingLogLikelihoods([text, "", text]) {
      found[$0] = $1
    }
    let expected = stride(from: 0, to: tokens.count, by: window).map { start in
      let first = start == 0 ? TinyModel.begin : tokens[start - 1]
      return TinyModel.logLikelihoods(
        [first] + tokens[start..<min(start + window, tokens.count)], model)
    }
    for index in [0, 2] {
      let score = try #require(found[index])
      #expect(score.tokenCount == tokens.count)
      #expect(score.windows.map(\.tokenCount) == expected.map(\.count))
      for (window, own) in zip(score.windows, expected) {
        #expect(abs(window.logLikelihood - own.reduce(0, +)) < 1e-3)
      }
    }
    #expect(found[1]?.windows.isEmpty == true)
  }

  @Test func `answers written side by side are those written alone`() throws {
    let model = try TinyModel.model()
    let tokenizer = try TinyModel.tokenizer()
    var greedy = SamplingOptions()
    greedy.temperature = 0
    let contexts = ["", "The cat", "A longer context of many words", "x", "The cat s"]
    let requests = contexts.enumerated().map { place, context in
      GenerationRequest(context: context, stop: [], maximumTokens: 3 + 4 * place)
    }
    var found: [Int: String] = [:]
    try Self.model(batchTokens: 100).generate(requests) { found[$0] = $1.text }
    for (index, request) in requests.enumerated() {
      let prompt = tokenizer.encode(request.context)
      let result = try JetInference.generate(
        model: HybridSequence(model), prompt: prompt.isEmpty ? [TinyModel.begin] : prompt,
        options: GenerationOptions(
          maximumTokens: request.maximumTokens, sampling: greedy,
          stopTokens: [TinyModel.end])
      ) { _ in .proceed }
      #expect(found[index] == tokenizer.decode(result.tokens, skipSpecialTokens: true))
    }
  }

  @Test func `a stop text ends an answer and is not part of it`() throws {
    let model = try Self.model()
    var whole = ""
    let request = GenerationRequest(context: "The cat", stop: [], maximumTokens: 12)
    try model.generate([request]) { whole = $1.text }
    guard let stop = whole.dropFirst(2).first else { return }
    var cut = request
    cut.stop = [String(stop)]
    try model.generate([cut]) { #expect($1.text == whole.prefix { $0 != stop }) }
    cut.maximumTokens = 0
    try model.generate([cut]) { #expect($1.text.isEmpty) }
    cut.maximumTokens = 100
    #expect(throws: EvaluationError.self) { try model.generate([cut]) { _, _ in } }
  }

  @Test func `the identity follows weights, window and end tokens`() throws {
    let first = try Self.model().identity
    #expect(try Self.model().identity == first)
    #expect(try Self.model(batchTokens: 7).identity == first)
    #expect(try Self.model(seed: 4).identity != first)
    #expect(try Self.model(window: 8).identity != first)
    let changed = try TinyModel.model()
    try withoutGradients {
      let last = try #require(changed.parameters.parameters.last?.tensor)
      last.reshaped([-1]).slice(0..<1, dim: 0).fill(0.123)
    }
    let other = try HybridLanguageModel(
      changed, tokenizer: try TinyModel.tokenizer(), endTokens: [TinyModel.end])
    #expect(other.identity != first)
  }

  @Test func `sizes below one are refused`() {
    #expect(throws: EvaluationError.self) { try Self.model(batchTokens: 0) }
    #expect(throws: EvaluationError.self) { try Self.model(window: 0) }
  }
}
