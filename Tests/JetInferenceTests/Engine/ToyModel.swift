import JetInference

/// A model whose logits depend on every token read, in constant time a token.
final class ToyModel: SequenceModel {
  static let vocabularySize: Int = 16
  let vocabularySize: Int = ToyModel.vocabularySize
  let maximumPositions: Int
  private var hash: UInt64 = 0
  private(set) var tokenCount = 0

  init(maximumPositions: Int) { self.maximumPositions = maximumPositions }

  func prefill(_ prompt: [Int], isCancelled: () -> Bool) throws -> [Float] {
    (hash, tokenCount) = (0, 0)
    return try extend(prompt, isCancelled: isCancelled)
  }

  func step(_ token: Int) throws -> [Float] {
    precondition(tokenCount < maximumPositions, "a step past the model's positions")
    tokenCount += 1
    hash = (hash ^ UInt64(token + 1)) &* 0x9e37_79b9_7f4a_7c15
    hash ^= hash >> 29
    var random = RandomNumbers(seed: hash)
    return (0..<vocabularySize).map { _ in Float(random.nextUnit() * 6) }
  }

  func copy() throws -> any SequenceModel {
    let copy = ToyModel(maximumPositions: maximumPositions)
    (copy.hash, copy.tokenCount) = (hash, tokenCount)
    return copy
  }
}

/// Requests of many kinds, the same ones for the same seed.
struct MixedRequests {
  static let maximumPositions = 48

  static func requests(_ count: Int, seed: UInt64, maximumTokens: Int = 24) -> [EngineRequest] {
    var random = RandomNumbers(seed: seed)
    return (0..<count).map { index in
      let prompt = (0..<Int.random(in: 1...40, using: &random)).map { _ in
        Int.random(in: 0..<ToyModel.vocabularySize, using: &random)
      }
      var sampling = SamplingOptions()
      sampling.seed = UInt64(index)
      sampling.temperature = Bool.random(using: &random) ? 0 : 1
      if Bool.random(using: &random) { sampling.repetitionPenalty = 1.3 }
      if Bool.random(using: &random) { sampling.topK = 5 }
      return EngineRequest(
        prompt: prompt,
        options: GenerationOptions(
          maximumTokens: Int.random(in: 0...maximumTokens, using: &random), sampling: sampling,
          stopTokens: [3], ignoresStopTokens: Bool.random(using: &random)))
    }
  }

  /// What a request gives alone.
  static func alone(_ request: EngineRequest) throws -> GenerationResult {
    try generate(
      model: ToyModel(maximumPositions: maximumPositions), prompt: request.prompt,
      options: request.options
    ) { _ in .proceed }
  }
}
