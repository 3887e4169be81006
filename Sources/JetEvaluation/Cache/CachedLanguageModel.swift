/// A model that is asked only what the cache does not know.
public final class CachedLanguageModel: LanguageModel {
  private let base: any LanguageModel
  private let cache: ResponseCache
  /// How many answers came from the cache.
  public private(set) var foundAnswers = 0

  /// The model `base`, its answers kept in `cache`.
  public init(_ base: any LanguageModel, cache: ResponseCache) {
    self.base = base
    self.cache = cache
  }

  /// The name of the model behind it.
  public var identity: String { base.identity }

  /// How likely each continuation is after its context.
  public func logLikelihoods(
    _ requests: [ContinuationRequest], onResult: (Int, ContinuationScore) throws -> Void
  ) throws {
    try answer("continuation", requests, onResult, base.logLikelihoods)
  }

  /// How likely each text is from its beginning.
  public func rollingLogLikelihoods(
    _ texts: [String], onResult: (Int, RollingScore) throws -> Void
  ) throws {
    try answer("rolling", texts, onResult, base.rollingLogLikelihoods)
  }

  /// The most likely answers.
  public func generate(
    _ requests: [GenerationRequest], onResult: (Int, GeneratedAnswer) throws -> Void
  ) throws {
    try answer("generation", requests, onResult, base.generate)
  }

  private func answer<Request: Codable, Answer: Codable>(
    _ kind: String, _ requests: [Request], _ onResult: (Int, Answer) throws -> Void,
    _ ask: @escaping ([Request], (Int, Answer) throws -> Void) throws -> Void
  ) throws {
    var missing: [Int] = []
    for (index, request) in requests.enumerated() {
      if let found = try cache.answer(identity, kind, request, as: Answer.self) {
        foundAnswers += 1
        try onResult(index, found)
      } else {
        missing.append(index)
      }
    }
    if missing.isEmpty { return }
    try ask(missing.map { requests[$0] }) { place, answer in
      let index = missing[place]
      try cache.store(answer, identity, kind, requests[index])
      try onResult(index, answer)
    }
  }
}
