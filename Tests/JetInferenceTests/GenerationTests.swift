import JetInference
import Testing

struct GenerationTests {
  private func greedy(
    _ maximumTokens: Int, stop: Set<Int> = [], ignores: Bool = false
  )
    -> GenerationOptions
  {
    var sampling = SamplingOptions()
    sampling.temperature = 0
    return GenerationOptions(
      maximumTokens: maximumTokens, sampling: sampling, stopTokens: stop,
      ignoresStopTokens: ignores)
  }

  @Test func `tokens arrive one by one until the length is reached`() throws {
    var received: [Int] = []
    let result = try generate(model: FakeModel.counting(), prompt: [0, 1], options: greedy(4)) {
      received.append($0)
      return .proceed
    }
    #expect(result.tokens == [2, 3, 4, 5])
    #expect(received == result.tokens)
    #expect(result.finishReason == .length)
    #expect(result.promptTokens == 2)
    #expect(result.prefillSeconds >= 0 && result.generateSeconds >= 0)
  }

  @Test func `a stop token ends the sequence and is not part of it`() throws {
    var received: [Int] = []
    let result = try generate(
      model: FakeModel.counting(), prompt: [0], options: greedy(10, stop: [3, 7])
    ) {
      received.append($0)
      return .proceed
    }
    #expect(result.tokens == [1, 2])
    #expect(received == [1, 2])
    #expect(result.finishReason == .stopToken(3))
  }

  @Test func `ignored stop tokens are ordinary`() throws {
    let result = try generate(
      model: FakeModel.counting(), prompt: [0], options: greedy(4, stop: [3], ignores: true)
    ) { _ in .proceed }
    #expect(result.tokens == [1, 2, 3, 4])
    #expect(result.finishReason == .length)
  }

  @Test func `the caller can stop, and its errors come through`() throws {
    struct Refusal: Error {}
    let result = try generate(model: FakeModel.counting(), prompt: [0], options: greedy(9)) {
      $0 == 3 ? .stop : .proceed
    }
    #expect(result.tokens == [1, 2, 3])
    #expect(result.finishReason == .stoppedByCaller)
    #expect(throws: Refusal.self) {
      try generate(model: FakeModel.counting(), prompt: [0], options: greedy(9)) { _ in
        throw Refusal()
      }
    }
  }

  @Test func `a full context ends after the token that has no place`() throws {
    let model = FakeModel.counting(maximumPositions: 4)
    let result = try generate(model: model, prompt: [0, 1], options: greedy(50)) { _ in .proceed }
    #expect(result.tokens == [2, 3, 4])
    #expect(result.finishReason == .contextFull)
    #expect(model.tokens == [0, 1, 2, 3])

    let full = try generate(model: model, prompt: [0, 1, 2, 3], options: greedy(50)) { _ in .proceed
    }
    #expect(full.tokens == [4])
    #expect(full.finishReason == .contextFull)
    let both = try generate(model: model, prompt: [0, 1, 2, 3], options: greedy(1)) { _ in .proceed
    }
    #expect(both.finishReason == .length)
  }

  @Test func `no tokens asked for reads nothing`() throws {
    let model = FakeModel.counting()
    let result = try generate(model: model, prompt: [0], options: greedy(0)) { _ in .proceed }
    #expect(result.tokens.isEmpty && result.finishReason == .length && model.tokens.isEmpty)
  }

  @Test func `rates count steps, and the last token of a full length is not one`() throws {
    let full = try generate(model: FakeModel.counting(), prompt: [0, 1], options: greedy(4)) { _ in
      .proceed
    }
    #expect(full.steps == 3)
    let stopped = try generate(
      model: FakeModel.counting(), prompt: [0], options: greedy(10, stop: [3])
    ) { _ in .proceed }
    #expect(stopped.steps == 2)
    var result = full
    (result.prefillSeconds, result.generateSeconds) = (0.5, 1.5)
    #expect(result.promptTokensPerSecond == 4 && result.tokensPerSecond == 2)
    result.tokens = [2]
    #expect(result.tokensPerSecond == nil)
  }

  @Test func `cancelling while the prompt is read throws`() {
    var asked = 0
    #expect(throws: CancellationError.self) {
      try generate(
        model: FakeModel.counting(), prompt: [0, 1, 2, 3], options: greedy(9),
        isCancelled: {
          asked += 1
          return asked > 3
        }
      ) { _ in .proceed }
    }
  }

  @Test func `cancelling between tokens keeps those generated`() throws {
    var count = 0
    let result = try generate(
      model: FakeModel.counting(), prompt: [0], options: greedy(9), isCancelled: { count >= 2 }
    ) { _ in
      count += 1
      return .proceed
    }
    #expect(result.tokens == [1, 2])
    #expect(result.finishReason == .stoppedByCaller)
  }

  @Test func `a cancelled task stops by itself`() async {
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try generate(
        model: FakeModel.counting(), prompt: [0], options: GenerationOptions(maximumTokens: 5)
      ) { _ in .proceed }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func `hostile requests are refused before the model runs`() {
    let model = FakeModel.counting(maximumPositions: 3)
    func expect(_ error: GenerationError, _ prompt: [Int], _ options: GenerationOptions) {
      #expect(throws: error) {
        try generate(model: model, prompt: prompt, options: options) { _ in .proceed }
      }
    }
    expect(.emptyPrompt, [], greedy(1))
    expect(.tokenOutOfRange(token: 8, vocabularySize: 8), [1, 8], greedy(1))
    expect(.tokenOutOfRange(token: -1, vocabularySize: 8), [-1], greedy(1))
    expect(.promptTooLong(count: 4, maximumPositions: 3), [0, 1, 2, 3], greedy(1))
    expect(.invalidMaximumTokens(-1), [0], greedy(-1))
    expect(.stopTokenOutOfRange(token: 99, vocabularySize: 8), [0], greedy(1, stop: [99]))
    var options = greedy(1)
    options.sampling.topP = 7
    #expect(throws: SamplingError.self) {
      try generate(model: model, prompt: [0], options: options) { _ in .proceed }
    }
    #expect(model.tokens.isEmpty)
    #expect(
      GenerationError.tokenOutOfRange(token: 8, vocabularySize: 8).description
        == "The prompt has the token 8, which is not in the vocabulary of 8 tokens; "
        + "use the tokenizer of this model.")
  }

  @Test func `a model with the wrong number of logits is refused`() {
    let model = FakeModel { _ in [1, 2] }
    #expect(throws: SamplingError.wrongLogitCount(found: 2, vocabularySize: 8)) {
      try generate(model: model, prompt: [0], options: greedy(1)) { _ in .proceed }
    }
  }

  @Test func `a seed repeats a whole generation`() throws {
    func tokens(seed: UInt64) throws -> [Int] {
      var options = GenerationOptions(maximumTokens: 40)
      options.sampling.temperature = 3
      options.sampling.seed = seed
      return try generate(model: FakeModel.counting(), prompt: [0], options: options) { _ in
        .proceed
      }.tokens
    }
    #expect(try tokens(seed: 11) == tokens(seed: 11))
    #expect(try tokens(seed: 11) != tokens(seed: 12))
  }

  @Test func `a copied model goes its own way`() throws {
    let model = FakeModel.counting()
    _ = try model.prefill([0, 1], isCancelled: { false })
    let copy = try model.copy()
    _ = try copy.step(5)
    #expect(model.tokens == [0, 1])
  }
}
