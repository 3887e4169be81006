import JetInference

/// A model whose logits are a function of the tokens read.
final class FakeModel: SequenceModel {
  let vocabularySize: Int
  let maximumPositions: Int
  private(set) var tokens: [Int] = []
  private(set) var prefillCount = 0
  private let logits: ([Int]) -> [Float]

  init(
    vocabularySize: Int = 8, maximumPositions: Int = 100, logits: @escaping ([Int]) -> [Float]
  ) {
    self.vocabularySize = vocabularySize
    self.maximumPositions = maximumPositions
    self.logits = logits
  }

  /// Prefers the token after the last one read.
  static func counting(vocabularySize: Int = 8, maximumPositions: Int = 100) -> FakeModel {
    FakeModel(vocabularySize: vocabularySize, maximumPositions: maximumPositions) { tokens in
      let next = ((tokens.last ?? 0) + 1) % vocabularySize
      return (0..<vocabularySize).map { $0 == next ? 4 : 0 }
    }
  }

  func prefill(_ prompt: [Int], isCancelled: () -> Bool) throws -> [Float] {
    tokens = []
    prefillCount += 1
    for token in prompt {
      if isCancelled() { throw CancellationError() }
      tokens.append(token)
    }
    return logits(tokens)
  }

  func step(_ token: Int) throws -> [Float] {
    precondition(tokens.count < maximumPositions, "a step past the model's positions")
    tokens.append(token)
    return logits(tokens)
  }

  func copy() throws -> any SequenceModel {
    let copy = FakeModel(
      vocabularySize: vocabularySize, maximumPositions: maximumPositions, logits: logits)
    copy.tokens = tokens
    return copy
  }
}
