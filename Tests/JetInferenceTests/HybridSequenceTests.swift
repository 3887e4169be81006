import JetInference
import JetKernels
import JetModels
import Testing

struct HybridSequenceTests {
  /// `‖a − b‖ / ‖b‖`, infinite where a number is not finite.
  private func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count, (a + b).allSatisfy(\.isFinite) else { return .infinity }
    let difference = zip(a, b).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let size = b.reduce(0) { $0 + Double($1 * $1) }
    return (difference / size).squareRoot()
  }

  private let never = { false }

  private func running<Result>(_ fast: Bool, _ body: () throws -> Result) rethrows -> Result {
    fast ? try body() : try FastForm.disabled(body)
  }

  @Test(arguments: [1, 2, 7, 16, 40], [true, false])
  func `a prompt read in pieces gives the logits of the whole`(chunk: Int, fast: Bool) throws {
    try running(fast) {
      let model = try TinyModel.model()
      let prompt = TinyModel.tokens(40)
      let whole = try HybridSequence(model, chunkTokens: 64).prefill(prompt, isCancelled: never)
      let pieces = try HybridSequence(model, chunkTokens: chunk)
        .prefill(prompt, isCancelled: never)
      #expect(whole.count == 50)
      #expect(relativeError(pieces, whole) < 1e-4)
    }
  }

  @Test(arguments: [true, false])
  func `steps and further pieces go on from the prompt`(fast: Bool) throws {
    try running(fast) {
      let model = try TinyModel.model()
      let tokens = TinyModel.tokens(30)
      let whole = try HybridSequence(model).prefill(tokens, isCancelled: never)
      let stepped = try HybridSequence(model, reservedTokens: 1)
      _ = try stepped.prefill(Array(tokens[..<10]), isCancelled: never)
      _ = try stepped.extend(Array(tokens[10..<25]), isCancelled: never)
      var logits: [Float] = []
      for token in tokens[25...] { logits = try stepped.step(token) }
      #expect(relativeError(logits, whole) < 1e-4)
      #expect(stepped.tokenCount == 30)
    }
  }

  @Test(arguments: [true, false])
  func `a copy goes its own way`(fast: Bool) throws {
    try running(fast) {
      let sequence = try HybridSequence(try TinyModel.model())
      _ = try sequence.prefill(TinyModel.tokens(12), isCancelled: never)
      let (first, second) = (try sequence.copy(), try sequence.copy())
      for token in [9, 30, 2, 41] { _ = try first.step(token) }
      let untouched = try second.step(5)
      #expect(try sequence.step(5) == untouched)
      #expect(try first.step(5) != untouched)
    }
  }

  @Test(arguments: [true, false])
  func `a prompt forgets what was read before`(fast: Bool) throws {
    try running(fast) {
      let sequence = try HybridSequence(try TinyModel.model())
      let first = try sequence.prefill(TinyModel.tokens(9), isCancelled: never)
      _ = try sequence.prefill([1, 2, 3], isCancelled: never)
      #expect(try sequence.prefill(TinyModel.tokens(9), isCancelled: never) == first)
    }
  }

  @Test func `reading is cancelled between pieces`() throws {
    try running(true) {
      let sequence = try HybridSequence(try TinyModel.model(), chunkTokens: 5)
      var asked = 0
      #expect(throws: CancellationError.self) {
        try sequence.prefill(TinyModel.tokens(20)) {
          asked += 1
          return asked > 2
        }
      }
      #expect(sequence.tokenCount == 10)
    }
  }

  @Test func `more tokens than positions are refused in a sentence`() throws {
    try running(true) {
      let model = try TinyModel.model()
      #expect(throws: HybridSequenceError.contextTooLong(asked: 65, available: 64)) {
        try HybridSequence(model, maximumPositions: 65)
      }
      #expect(throws: HybridSequenceError.contextTooLong(asked: 0, available: 64)) {
        try HybridSequence(model, maximumPositions: 0)
      }
      #expect(throws: HybridSequenceError.invalidChunk(0)) {
        try HybridSequence(model, chunkTokens: 0)
      }
      let sequence = try HybridSequence(model, maximumPositions: 8)
      _ = try sequence.prefill(TinyModel.tokens(8), isCancelled: never)
      #expect(throws: HybridSequenceError.contextTooLong(asked: 9, available: 8)) {
        try sequence.step(1)
      }
      #expect(
        HybridSequenceError.contextTooLong(asked: 9, available: 8).description
          == "A context of 9 tokens was asked for, but there are 1 to 8 positions; "
          + "ask for a context in that range or shorten the text.")
    }
  }

  @Test func `the bytes of the state are known before it is made`() throws {
    let sequence = try HybridSequence(try TinyModel.model())
    let token = 2 * 2 * 8 * 4
    let fixed = 6 * token + 2 * 8 * 16 * 4 + 2 * 16 * 4 * 4
    #expect(sequence.stateBytes(tokens: 1) == token + fixed)
    #expect(sequence.stateBytes(tokens: 64) == 64 * token + fixed)
  }

  @Test func `generation stops where the positions end`() throws {
    try running(true) {
      let sequence = try HybridSequence(try TinyModel.model(), maximumPositions: 10)
      let result = try generate(
        model: sequence, prompt: TinyModel.tokens(6), options: GenerationOptions(maximumTokens: 50)
      ) { _ in .proceed }
      #expect(result.finishReason == .contextFull)
      #expect(result.tokens.count == 5)
    }
  }
}
