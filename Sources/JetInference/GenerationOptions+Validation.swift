extension GenerationOptions {
  /// Refuses a prompt and options that a model cannot follow, the first fault found.
  ///
  /// How tokens are chosen is refused by ``Sampler/init(options:vocabularySize:)``.
  public func validate(
    prompt: [Int], maximumPositions: Int, vocabularySize: Int
  ) throws(GenerationError) {
    guard maximumTokens >= 0 else { throw .invalidMaximumTokens(maximumTokens) }
    guard !prompt.isEmpty else { throw .emptyPrompt }
    guard prompt.count <= maximumPositions else {
      throw .promptTooLong(count: prompt.count, maximumPositions: maximumPositions)
    }
    if let token = prompt.first(where: { $0 < 0 || $0 >= vocabularySize }) {
      throw .tokenOutOfRange(token: token, vocabularySize: vocabularySize)
    }
    if let token = stopTokens.sorted().first(where: { $0 < 0 || $0 >= vocabularySize }) {
      throw .stopTokenOutOfRange(token: token, vocabularySize: vocabularySize)
    }
  }
}
