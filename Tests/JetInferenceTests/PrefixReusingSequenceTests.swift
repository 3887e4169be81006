import JetInference
import Testing

struct PrefixReusingSequenceTests {
  private let never = { false }

  @Test func `a prompt that goes on reads only its rest`() throws {
    let model = FakeModel.counting(vocabularySize: 20)
    let sequence = PrefixReusingSequence(model)
    _ = try sequence.prefill([1, 2], isCancelled: never)
    #expect(sequence.reusedTokens == 0)
    _ = try sequence.step(3)
    let logits = try sequence.prefill([1, 2, 3, 4, 5], isCancelled: never)
    #expect(sequence.reusedTokens == 3)
    #expect(model.tokens == [1, 2, 3, 4, 5])
    #expect(model.prefillCount == 1)
    #expect(logits[6] == 4)
  }

  @Test func `the same prompt again costs nothing`() throws {
    let model = FakeModel.counting()
    let sequence = PrefixReusingSequence(model)
    let first = try sequence.prefill([1, 2], isCancelled: never)
    #expect(try sequence.prefill([1, 2], isCancelled: never) == first)
    #expect(sequence.reusedTokens == 2)
    #expect(model.prefillCount == 1)
  }

  @Test(arguments: [[1, 3], [1], [2, 1, 2], [1, 3, 2]])
  func `any other prompt is read from the start`(prompt: [Int]) throws {
    let model = FakeModel.counting()
    let sequence = PrefixReusingSequence(model)
    _ = try sequence.prefill([1, 2], isCancelled: never)
    _ = try sequence.prefill(prompt, isCancelled: never)
    #expect(sequence.reusedTokens == 0)
    #expect(model.tokens == prompt)
    #expect(sequence.tokens == prompt)
  }

  @Test func `after a cancelled prompt nothing counts as read`() throws {
    let model = FakeModel.counting()
    let sequence = PrefixReusingSequence(model)
    _ = try sequence.prefill([1], isCancelled: never)
    #expect(throws: CancellationError.self) {
      try sequence.prefill([1, 2, 3], isCancelled: { true })
    }
    #expect(sequence.tokens.isEmpty)
    _ = try sequence.prefill([1, 2, 3], isCancelled: never)
    #expect(sequence.reusedTokens == 0)
    #expect(model.tokens == [1, 2, 3])
  }

  @Test func `copies share what was read and go their own ways`() throws {
    let model = FakeModel.counting()
    let sequence = PrefixReusingSequence(model)
    let logits = try sequence.prefill([1, 2], isCancelled: never)
    let copy = try sequence.copy()
    _ = try copy.step(7)
    #expect(sequence.tokens == [1, 2])
    #expect(try sequence.copy().prefill([1, 2], isCancelled: never) == logits)
    #expect(model.tokens == [1, 2])
  }
}
